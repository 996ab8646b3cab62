// The keys of the server API in a database (engine/api_keys.h), as jobs of a writer and of readers. A job that
// changes something gives the list a new version.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/api_keys.h"
#include "store/database.h"

namespace foyer::engine {

[[nodiscard]] Result<bool> add_api_key(store::Database& db, const ApiKeyRow& key);
[[nodiscard]] Result<ApiKeyRow> rotate_api_key(
    store::Database& db, const std::string& name, const ApiSecret& fresh, std::optional<WallTime> old_ends);
[[nodiscard]] Result<ApiKeyRow> set_api_key_rights(
    store::Database& db, const std::string& name, const std::vector<std::string>& rights);
[[nodiscard]] Result<ApiKeyRow> drop_old_api_secrets(store::Database& db, const std::string& name);
[[nodiscard]] Result<bool> disable_api_key(store::Database& db, const std::string& name, std::optional<WallTime> since);
[[nodiscard]] Result<std::optional<ApiKeyList>> read_api_keys_since(store::Database& db, const std::string& version);
[[nodiscard]] Result<bool> note_api_key_uses(store::Database& db, const std::vector<ApiKeyUse>& uses);

} // namespace foyer::engine

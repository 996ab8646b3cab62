// Which version of a schema a database has, and which programs may use it. For the files of this folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/refusal.h"
#include "store/database.h"

namespace foyer::store {

struct SchemaVersion {
  std::uint64_t now = 0;    // steps taken
  std::uint64_t oldest = 0; // Schema::oldest, as the program noted it that took the last one
};

// The query for both, in this order.
[[nodiscard]] std::string postgres_version_query(std::string_view table);

// STORE_TOO_NEW. `database`: its name, for the message.
[[nodiscard]] Result<void> usable(const SchemaVersion& there, const Schema& schema, std::string_view database);

} // namespace foyer::store

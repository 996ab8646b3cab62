// `foyer user import`: users of another program, one line of JSON each.
#pragma once

#include <string>
#include <string_view>

#include "accounts/model/records.h"
#include "cli/offline_accounts.h"

namespace foyer::cli {

inline constexpr std::size_t kMaxImportLine = 8 * 1024;

// One line: {"name","hash","email"?,"admin"?,"disabled"?} → a user with a new id.
// BAD_REQUEST, NAME_INVALID, HASH_UNSUPPORTED, each with its field.
[[nodiscard]] Result<accounts::UserRow> read_import_line(std::string_view line, WallTime now, Entropy& entropy);

// Imports each line completely or not at all. Prints a report; false when a line was
// refused. FILE_UNREADABLE, and any refusal by the store as a whole.
[[nodiscard]] Result<bool> import_users(OfflineAccounts& accounts, const std::string& file, bool json);

} // namespace foyer::cli

// `foyer user import`: people of another program, a line of JSON each.
#pragma once

#include <string>
#include <string_view>

#include "accounts/model/records.h"
#include "cli/offline_accounts.h"

namespace foyer::cli {

inline constexpr std::size_t kMaxImportLine = 8 * 1024;

// One line: {"name","hash","email"?,"admin"?,"disabled"?} → a user with a fresh id.
// BAD_REQUEST, NAME_INVALID, HASH_UNSUPPORTED, each with its field.
[[nodiscard]] Result<accounts::UserRow> read_import_line(std::string_view line, WallTime now, Entropy& entropy);

// Each line by itself: all of it or nothing. Prints a report; false when a line was
// refused. FILE_UNREADABLE, and whatever the store as a whole answers.
[[nodiscard]] Result<bool> import_users(OfflineAccounts& accounts, const std::string& file, bool json);

} // namespace foyer::cli

// Blocks and revocations in a database (engine/subject_endings.h), as jobs of a writer and of readers.
#pragma once

#include <cstdint>
#include <string>

#include "engine/subject_endings.h"
#include "store/database.h"

namespace foyer::engine {

[[nodiscard]] Result<bool> put_ending(store::Database& db, const Ending& ending, WallTime now);
[[nodiscard]] Result<bool> lift_block(store::Database& db, const std::string& user, WallTime now);
[[nodiscard]] Result<EndingPage> read_endings_after(store::Database& db, std::uint64_t after, std::size_t limit);
// Rows that end nothing any more: revocations older than every token, blocks that ended.
[[nodiscard]] Result<bool> has_old_endings(store::Database& db, WallTime now);
// At most `limit` of them; how many.
[[nodiscard]] Result<std::int64_t> sweep_endings(store::Database& db, WallTime now, std::int64_t limit);

} // namespace foyer::engine

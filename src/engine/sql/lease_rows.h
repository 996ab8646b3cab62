// Leases with a term, as rows of PostgreSQL: the right of one process to do what only one may do. Jobs of a writer, at
// READ COMMITTED.
//
// Whoever acts for a lease checks it in the transaction of each of its writes (holds_lease): from there to the commit
// nobody else is granted it. So a process that was paused, and whose lease went to another one meanwhile, writes
// nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/shared_state.h"
#include "store/database.h"

namespace foyer::engine {

// In place of the server's clock; nothing: the server's.
using SharedTime = std::optional<WallTime>;
// The time in ms, in a statement whose first parameter is a SharedTime.
inline const std::string kSharedNow =
    "COALESCE(CAST(?1 AS BIGINT), CAST(floor(extract(epoch FROM statement_timestamp()) * 1000) AS BIGINT))";

// As SharedState::lease and end_lease.
[[nodiscard]] Result<Lease> grant_lease(store::Database& db, const LeaseRequest& question, SharedTime now = {});
[[nodiscard]] Result<bool> end_lease(
    store::Database& db, const SharedKey& key, const std::string& holder, std::uint64_t term, SharedTime now = {});
[[nodiscard]] Result<bool> holds_lease(
    store::Database& db, const SharedKey& key, const std::string& holder, std::uint64_t term, SharedTime now = {});

} // namespace foyer::engine

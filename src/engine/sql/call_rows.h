// Records of calls in a database (engine/call_records.h), as jobs of a writer and of readers.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/call_records.h"
#include "store/database.h"

namespace foyer::engine {

[[nodiscard]] Result<std::optional<StoredCall>> find_call(store::Database& db, const CallKey& key, WallTime now);
[[nodiscard]] Result<std::optional<StoredCall>> begin_call(
    store::Database& db, const CallKey& key, const std::string& body_hash, WallTime now);
// Of several answers the first one stays.
[[nodiscard]] Result<bool> finish_call(
    store::Database& db, const CallKey& key, const std::string& body_hash, std::string_view answer, WallTime now);
// Before a message of that call is stored in the same transaction: no other writer stores one until it ends. Returns
// what keeps this call from being made: one that is done, or one with another body. Nothing: the caller finishes the
// call, or forgets it.
[[nodiscard]] Result<std::optional<StoredCall>> claim_call(
    store::Database& db, const CallKey& key, const std::string& body_hash, WallTime now);

// Calls that are done, each recorded with its message.
struct NewCall {
  const rooms::CallRecord* record;
  std::string answer;
  WallTime at;
};
// False: one of them has a record, however old, and nobody knows which others were inserted: roll back.
[[nodiscard]] Result<bool> insert_calls(store::Database& db, std::span<const NewCall> calls);

[[nodiscard]] Result<bool> forget_call(store::Database& db, const CallKey& key);

// Both at most `limit`; how many.
[[nodiscard]] Result<std::int64_t> sweep_old_calls(store::Database& db, WallTime now, std::int64_t limit);
[[nodiscard]] Result<std::int64_t> sweep_surplus_calls(store::Database& db, std::size_t most, std::int64_t limit);

} // namespace foyer::engine

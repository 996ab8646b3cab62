// The calls that stored a message, in a database that only this process writes.
//
// A call's key is a random text, and in an index each would change a page of its own: for most messages more than all
// the rest of their commit. So their rows have no index. They are appended in the order of their commits, and deleted
// in the same order, and which row a key has is remembered here: 50 bytes for each call of the last day, read again
// when the database is opened. Used by the writer's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <unordered_map>

#include "engine/sql/call_rows.h"

namespace foyer::engine {

class CallLog {
 public:
  [[nodiscard]] Result<void> load(store::Database& db); // otherwise the first use does it
  // False: one of them may be recorded already, and nothing is stored.
  [[nodiscard]] Result<bool> insert(store::Database& db, std::span<const NewCall> calls);
  [[nodiscard]] Result<void> append(store::Database& db, std::span<const NewCall> calls); // that are not there
  [[nodiscard]] Result<std::optional<StoredCall>> find(store::Database& db, const CallKey& key, WallTime now);

  // Deletes the oldest, at most `limit`: those beyond `most`, or those older than kCallLife. Returns how many.
  [[nodiscard]] Result<std::int64_t> sweep_surplus(store::Database& db, std::size_t most, std::int64_t limit);
  [[nodiscard]] Result<std::int64_t> sweep_old(store::Database& db, WallTime now, std::int64_t limit);

  struct Mark {
    bool loaded;
    std::size_t calls;
  };
  [[nodiscard]] Mark mark() const { return {.loaded = loaded_, .calls = hashes_.size()}; }
  void back_to(const Mark& mark); // what was stored since was undone
  void forget();                  // everything: it is read again

 private:
  std::int64_t add(std::uint64_t hash); // its row
  void forget_hash(std::uint64_t hash, std::int64_t id);
  [[nodiscard]] Result<std::int64_t> delete_oldest(store::Database& db, std::int64_t count);

  bool loaded_ = false;
  std::int64_t first_ = 1;                                    // row of the oldest call; the others follow without gaps
  std::deque<std::uint64_t> hashes_;                          // of the keys of all rows, in their order
  std::unordered_multimap<std::uint64_t, std::int64_t> rows_; // by hash
};

} // namespace foyer::engine

// How to read everything that was committed to a table since the last reading, and to miss nothing, in whatever order
// transactions began and ended.
//
// Each row has the number of the transaction that wrote it. A row appears when its transaction commits, so numbers
// appear out of order. A snapshot has a lowest number that is still running: everything below it has ended, and is
// seen. That number, S, is read in the same statement as the rows from the last S on; the next reading begins there.
// (Two statements would be two snapshots: rows that appear between them are lost. A sequence says nothing of commits.)
// Rows may be seen twice.
//
// A transaction that stays open holds S back, in whatever database of the server. Then readings repeat more rows.
//
// S belongs to one history of one server. After a new connection, and when nothing could be read for so long that rows
// may be gone, a reading begins anew. PostgreSQL only.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "store/database.h"

namespace foyer::engine {

inline constexpr Millis kTailKept{60'000}; // rows may be deleted after this

class CommitTail {
 public:
  // S for the next statement; empty: begin anew, since nothing was read yet, or too long ago.
  [[nodiscard]] const std::string& from(MonoTime now) {
    if (now - read_at_ > kTailKept / 2) from_.clear();
    return from_;
  }
  void read(std::string next, MonoTime now) {
    from_ = std::move(next);
    read_at_ = now;
  }
  void forget() { from_.clear(); }

 private:
  std::string from_; // an xid8
  MonoTime read_at_{};
};

// The statements for one such table. The parameter of `below` is an xid8 as text.
struct TailTable {
  std::string_view from_another_history, below;
};

// Deletes rows that every node has read or missed. For one thread.
class TailTrim {
 public:
  TailTrim();                                                               // of the record: changed and control_log
  explicit TailTrim(std::span<const TailTable> tables) : tables_(tables) {} // which outlive this

  // Inside a transaction of its own.
  [[nodiscard]] Result<void> step(store::Database& db, MonoTime now);

 private:
  struct Mark {
    MonoTime at;
    std::string xid; // everything below had ended
  };
  std::span<const TailTable> tables_;
  std::vector<Mark> marks_; // oldest first
};

} // namespace foyer::engine

// Whether a chat database is the one that this installation wrote, or an earlier state of
// it: a restored copy, or a standby that lacked the newest transactions when it was
// promoted. Such a database would give the same offsets again, so every room gets a new
// epoch before anything is answered.
//
// Each new writing connection commits one change, the barrier, which has a
// number. The highest committed number is recorded in a file outside the
// database (DATA/witness), with the identity of the database and of its server. The signs:
//
//   - the database was marked as a copy (`foyer backup`);
//   - its server has another timeline, or is another one, than at the last write;
//   - it shows a lower barrier than the witness.
//
// Of several nodes, the first one that comes to a promoted server decides; the witnesses of the others are from before.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "store/database.h"

namespace foyer::engine {

// DATA/witness.
struct Witness {
  std::string database; // a random name that the database got at its first use
  std::uint64_t barrier = 0;
  store::Lineage lineage;
};
// Nothing: the file is absent or unreadable.
[[nodiscard]] std::optional<Witness> read_witness(const std::string& path);

class Continuity {
 public:
  // `witness`: the file; empty: none. `of_a_file`: the database is a file, without a server that others use too.
  // `many`: other nodes use it, too, and are told.
  Continuity(std::string witness, bool of_a_file, bool many, Entropy& entropy, Log& log)
      : path_(std::move(witness)),
        of_a_file_(of_a_file),
        many_(many),
        entropy_(entropy),
        log_(log) {}

  enum class Found : std::uint8_t {
    as_it_was,     // a file, and no other process has written it
    perhaps_other, // another process may have written it since, or it is another state
  };
  // On a new writing connection, before any other use. If there is a sign, every room
  // has a new epoch afterwards.
  [[nodiscard]] Result<Found> take_over(store::Database& db);
  // The next barrier, as a job of the writer; noted() once it is committed.
  [[nodiscard]] Result<std::uint64_t> next_barrier(store::Database& db);
  void noted(std::uint64_t barrier);
  [[nodiscard]] bool of_a_file() const { return of_a_file_; }

  // For readers, on any thread. The lowest barrier that a database may show: a server that shows
  // less lacks committed changes.
  [[nodiscard]] std::uint64_t barrier() const { return barrier_.load(std::memory_order_acquire); }
  // The history differs from the writer's: DATABASE_UNREACHABLE.
  [[nodiscard]] Result<void> check_reader(store::Database& db);

 private:
  struct Facts;
  struct State;
  [[nodiscard]] std::string why_new_epochs(const Facts& facts, const store::Lineage& lineage,
      const std::optional<Witness>& witness) const; // empty: no reason
  [[nodiscard]] Result<State> look(store::Database& db, const store::Lineage& lineage);
  [[nodiscard]] Result<void> write(store::Database& db, const State& state, const store::Lineage& lineage);
  void write_witness();

  const std::string path_;
  const bool of_a_file_;
  const bool many_;
  Entropy& entropy_;
  Log& log_;
  std::atomic<std::uint64_t> barrier_{0};
  std::mutex mutex_; // guards the following
  std::string database_;
  store::Lineage lineage_;
};

} // namespace foyer::engine

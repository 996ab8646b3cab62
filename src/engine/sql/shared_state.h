// Shared state in PostgreSQL, for several nodes: each call is a job of a writer. Entries and leases are in logged
// tables: they survive a crash of the server and a promotion as the commits of the server do. Counts are in an unlogged
// one, which a crash empties.
//
// Counts and leases are exact over all nodes. Limits of remembered entries are not: a node counts the entries
// of a kind once a second, and in between its own ones.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "engine/shared_state.h"
#include "engine/sql/lease_rows.h"
#include "store/writer.h"

namespace foyer::engine {

class SqlSharedState final : public SharedState {
 public:
  enum class Time : std::uint8_t { of_the_server, of_the_clock }; // the latter in tests

  // The others outlive this. The writer is at READ COMMITTED.
  SqlSharedState(store::Writer& writer, const Clock& clock, Time time = Time::of_the_server)
      : writer_(writer),
        clock_(clock),
        time_(time) {}

  // Any thread. Answers come on the writer's thread.
  void take_once(TakeRequest question, Completion<Taken> done) override;
  void put_until(PutRequest question, Completion<bool> done) override;
  void find(SharedKey key, Completion<std::optional<Kept>> done) override;
  void count_in_window(CountRequest question, Completion<Counted> done) override;
  void lease(LeaseRequest question, Completion<Lease> done) override;
  void end_lease(SharedKey key, std::string holder, std::uint64_t term, Completion<bool> done) override;

  // As of the last count, and what this node has added since.
  [[nodiscard]] std::size_t remembered(std::string_view kind) const override;

 private:
  struct Gauge {
    std::size_t entries = 0;
    MonoTime counted{};
  };
  using Kind = std::pair<std::string, bool>; // its name, and whether of entries that were put

  [[nodiscard]] SharedTime now() const;
  [[nodiscard]] Result<Taken> take(store::Database& db, const TakeRequest& question);
  [[nodiscard]] Result<bool> put(store::Database& db, const PutRequest& question);
  [[nodiscard]] Result<Counted> count(store::Database& db, const CountRequest& question);
  // Whether `most` are remembered; counts again if that was long ago, and forgets what is over.
  [[nodiscard]] Result<bool> is_full(store::Database& db, const Kind& kind, std::size_t most);
  [[nodiscard]] Result<void> count_again(store::Database& db, const Kind& kind);
  [[nodiscard]] Refusal full(const Kind& kind, Millis wait) const;
  void added(const Kind& kind, std::ptrdiff_t entries);

  store::Writer& writer_;
  const Clock& clock_;
  const Time time_;
  MonoTime counts_swept_{}; // used by the writer's thread
  mutable std::mutex mutex_;
  std::map<Kind, Gauge> gauges_; // changed by the writer's thread
};

} // namespace foyer::engine

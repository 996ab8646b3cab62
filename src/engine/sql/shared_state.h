// Shared state in PostgreSQL, for several nodes: each call is a job of a writer. Entries (shared_entries.h) and leases
// are in logged tables. Counts are in an unlogged one, which a crash empties.
//
// Counts and leases are exact over all nodes. Limits of remembered entries are not.
#pragma once

#include <string>

#include "engine/shared_state.h"
#include "engine/sql/lease_rows.h"
#include "engine/sql/shared_entries.h"
#include "store/writer.h"

namespace foyer::engine {

class SqlSharedState final : public SharedState {
 public:
  enum class Time : std::uint8_t { of_the_server, of_the_clock }; // the latter in tests

  // The others outlive this. The writer is at READ COMMITTED.
  SqlSharedState(store::Writer& writer, const Clock& clock, Time time = Time::of_the_server)
      : writer_(writer),
        clock_(clock),
        time_(time),
        entries_(writer, clock, {.by_clock = time == Time::of_the_clock}) {}

  // Any thread. Answers come on the writer's thread.
  void take_once(TakeRequest question, Completion<Taken> done) override {
    entries_.take_once(std::move(question), std::move(done));
  }
  void put_until(PutRequest question, Completion<bool> done) override {
    entries_.put_until(std::move(question), std::move(done));
  }
  void find(SharedKey key, Completion<std::optional<Kept>> done) override {
    entries_.find(std::move(key), std::move(done));
  }
  void count_in_window(CountRequest question, Completion<Counted> done) override;
  void lease(LeaseRequest question, Completion<Lease> done) override;
  void end_lease(SharedKey key, std::string holder, std::uint64_t term, Completion<bool> done) override;
  [[nodiscard]] std::size_t remembered(std::string_view kind) const override { return entries_.remembered(kind); }

 private:
  [[nodiscard]] SharedTime now() const;
  [[nodiscard]] Result<Counted> count(store::Database& db, const CountRequest& question);

  store::Writer& writer_;
  const Clock& clock_;
  const Time time_;
  SqlSharedEntries entries_;
  MonoTime counts_swept_{}; // used by the writer's thread
};

} // namespace foyer::engine

// Entries that several processes share, in a logged table of PostgreSQL: they survive a crash of the server and a
// promotion as the commits of the server do. Each call is a job of a writer.
//
// Limits of remembered entries are not exact: a process counts the entries of a kind once a second, and in between its
// own ones. While none fits, it looks for what has ended at most a tenth of the time: other jobs share the writer.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/executor.h"
#include "engine/shared_state.h"
#include "engine/sql/lease_rows.h"
#include "store/writer.h"

namespace foyer::engine {

struct SharedEntriesOptions {
  std::string table;              // of the writer's database; its columns: accounts/sql/postgres_schema.h
  Executor* answers_on = nullptr; // null: the writer's thread
  bool by_clock = false;          // by this process's clock and not the server's: for tests
};

class SqlSharedEntries final : public SharedEntries {
 public:
  // The writer, the clock and the executor outlive this. The writer is at READ COMMITTED.
  SqlSharedEntries(store::Writer& writer, const Clock& clock, SharedEntriesOptions options);
  ~SqlSharedEntries() override;

  // Any thread. In the usual case each is one statement.
  void take_once(TakeRequest question, Completion<Taken> done) override;
  void put_until(PutRequest question, Completion<bool> done) override;
  void find(SharedKey key, Completion<std::optional<Kept>> done) override;

  // As of the last count, and what this process has added since.
  [[nodiscard]] std::size_t remembered(std::string_view kind) const override;

 private:
  struct Sql;
  struct Gauge {
    std::size_t entries = 0;
    MonoTime counted{};
    Millis cost{0};           // how long counting took
    MonoTime refused_until{}; // nothing ends before
    MonoTime next_end{};      // if refused
  };
  using Kind = std::pair<std::string, bool>; // its name, and whether of entries that were put

  template <class T, class Job>
  void submit(Job job, Completion<T> done, const SharedKey& key);
  [[nodiscard]] SharedTime now() const;
  [[nodiscard]] Result<Taken> take(store::Database& db, const TakeRequest& question);
  [[nodiscard]] Result<bool> put(store::Database& db, const PutRequest& question);
  // Whether `most` are remembered; counts again if that was long ago, and forgets what is over.
  [[nodiscard]] Result<bool> is_full(store::Database& db, const Kind& kind, std::size_t most);
  [[nodiscard]] Result<void> count_again(store::Database& db, const Kind& kind);
  [[nodiscard]] Result<Refusal> full(store::Database& db, const Kind& kind, Millis wait);
  [[nodiscard]] std::optional<Refusal> still_full(const Kind& kind) const;
  [[nodiscard]] Refusal busy(const Kind& kind, Millis wait) const;
  void added(const Kind& kind, std::ptrdiff_t entries);

  store::Writer& writer_;
  const Clock& clock_;
  const SharedEntriesOptions options_;
  const std::unique_ptr<const Sql> sql_;
  mutable std::mutex mutex_;
  std::map<Kind, Gauge> gauges_; // changed by the writer's thread
};

} // namespace foyer::engine

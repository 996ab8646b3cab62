// The single writer of a database: a thread (or an executor, see lane.h) that owns
// the writing connection and commits in groups.
//
// It takes everything queued, up to a number and a time, runs every job in a
// savepoint inside one transaction, commits once, and only then answers, in
// the order of the jobs. A job that refuses undoes its own changes and
// no others. When the commit fails nothing of the batch has happened, and
// every job of it is answered with the commit's cause.
//
//   writer->submit<Offset>([=](Database& db) -> Result<Offset> { … }, [](Result<Offset> r) { … });
//
// A batch that conflicted with another process's transaction is run again, a few times:
// a job must be repeatable. A failed database is tried again with the next
// job, after closing and opening it if that may help; while its server is unreachable jobs
// are refused at once between the tries. Every failure ends when its reason does.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/metrics.h"
#include "store/connection.h"
#include "store/lane.h"

namespace foyer::store {

struct WriterOptions {
  std::string name;                 // "chat", "accounts": in metrics, logs and the thread's name
  std::size_t queue_limit = 20'000; // jobs that may wait; more: BUSY
  std::string_view limit = {};      // its name among the limits, under which refusals are counted; empty: not counted
  std::size_t batch_limit = 1'000;  // jobs in one transaction
  Millis batch_time{20};            // after this much work a batch commits, even if more is queued
  Millis upkeep_every{std::chrono::hours{1}};
  Millis watch_every{0};                 // with a thread: how often the connection is checked without jobs; 0: never
  Entropy* entropy = nullptr;            // for the waits between connection attempts
  std::shared_ptr<Reached> reached = {}; // shared with the readers of the same server
  Executor* executor = nullptr;          // null: a thread
};

struct WriterHooks {
  // Once after opening, before any job: outside a transaction.
  std::function<Result<void>(Database&)> opened = {};
  // Inside the transaction, before the first job of a batch, with the jobs that may run in it: whether they can.
  std::function<Result<void>(Database&, std::span<const std::unique_ptr<Task>>)> begun = {};
  // When `begun` waited for others in vain (STORE_TIMEOUT): inside another transaction, with the same jobs. What they
  // hold, as Task::about() names it. The other jobs go first then, and those that have to wait are a batch of their
  // own.
  std::function<Result<std::vector<std::string>>(Database&, std::span<const std::unique_ptr<Task>>)> held = {};
  // Inside the transaction, after the last job of a batch; a refusal undoes the batch.
  std::function<Result<void>(Database&)> before_commit = {};
  // Runs what it is given, a part of the answers of a batch, so that what they wake is woken once.
  Answering answering = {};
  // After the commit of a batch and its answers.
  std::function<void()> committed = {};
  // The batch was undone, or its outcome is unknown: anything remembered from its jobs is wrong.
  std::function<void()> rolled_back = {};
  // One small piece of upkeep in a transaction of its own, every upkeep_every; true: there is more, to run between
  // the next batches.
  std::function<Result<bool>(Database&)> upkeep = {};
};

class Writer {
 public:
  // Opens and starts. `clock`, `metrics` and `log` must outlive it.
  [[nodiscard]] static Result<std::unique_ptr<Writer>> open(
      Opener opener, WriterOptions options, WriterHooks hooks, const Clock& clock, Metrics& metrics, Log& log);
  ~Writer(); // finishes what is queued

  // Any thread. Job: Result<T>(Database&). `done` is called exactly once: after the
  // commit, on the writer's thread, or at once with BUSY on the calling thread. `about`: Task::about().
  template <class T, class Job>
  void submit(Job job, Completion<T> done, std::string about = {}) {
    lane_->push(std::make_unique<TypedTask<T, Job>>(std::move(job), std::move(done), std::move(about)));
  }

  void close();        // refuses later jobs, finishes queued ones
  void start_upkeep(); // any thread: do not wait for upkeep_every
  [[nodiscard]] std::size_t queued() const;
  // The cause of the last failure to write, until a write succeeds. Any thread, never
  // waits for the disk: after a failure it makes the writer try again, at most once a second.
  [[nodiscard]] Result<bool> probe();

 private:
  Writer(Opener opener, WriterOptions options, WriterHooks hooks, const Clock& clock, Metrics& metrics, Log& log);

  bool consume(Tasks batch);
  void answer(Tasks& tasks, std::size_t first, std::size_t last);
  // Runs jobs from `tasks[first]` on, commits and answers; returns the index after the last one answered.
  std::size_t run_batch(Tasks& tasks, std::size_t first);
  struct Try {
    std::size_t last = 0; // the index after the last job that ran
    bool well = true;     // the database failed for none of them
    bool waited = false;  // for what others hold, in vain
  };
  // One try, of the jobs before `end`.
  [[nodiscard]] Result<void> try_batch(Tasks& tasks, std::size_t first, std::size_t end, Try& one);
  // Moves the jobs that wait for others behind the rest, which ends at the index that is returned. Nothing: not known.
  [[nodiscard]] std::optional<std::size_t> others_first(Tasks& tasks, std::size_t first);
  [[nodiscard]] Result<void> run_in_savepoint(Task& task, bool& well);
  void refuse_all(Tasks& tasks, std::size_t first, std::size_t last, const Refusal& why);
  [[nodiscard]] Result<void> begin();
  void roll_back();
  bool run_upkeep();
  void watch();
  [[nodiscard]] Result<void> try_to_write();
  void succeeded();
  void failed(const Refusal& why);

  const WriterOptions options_;
  const WriterHooks hooks_;
  const Clock& clock_;
  Log& log_;
  Gauge& queue_gauge_;
  Counter& jobs_;
  Counter& batches_;
  Counter& failures_;
  Counter& repeats_;
  Histogram& commit_seconds_;

  // Only the consumer uses these:
  Connection connection_;
  Database* database_ = nullptr; // of the connection; set by begin()
  bool reopen_ = false;
  MonoTime next_upkeep_{};

  std::atomic<bool> upkeep_asked_{false};
  std::atomic<bool> probe_asked_{false};
  std::mutex failure_mutex_;
  std::optional<Refusal> failure_;
  MonoTime next_probe_{};

  std::unique_ptr<Lane> lane_; // last: its thread ends before anything else does
};

} // namespace foyer::store

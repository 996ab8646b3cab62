// The reader of a database: one or more threads (or an executor, see lane.h), each
// with its own connection, which sees everything committed before its job began and
// never waits for the writer. Jobs of different users take turns (fair_queue.h), so
// that nobody waits for all jobs of one user. A job sees one snapshot from start to end; it may
// run a second time, on a new connection, if its connection was lost.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "store/connection.h"
#include "store/lane.h"

namespace foyer::store {

struct ReaderOptions {
  std::string name;                                               // "chat", "accounts"
  std::size_t connections = 1;                                    // each with a lane of its own
  std::size_t queue_limit = 10'000;                               // jobs that may wait; more: BUSY
  Entropy* entropy = nullptr;                                     // for the waits between connection attempts
  std::shared_ptr<Reached> reached = std::make_shared<Reached>(); // shared with the writer
  Executor* executor = nullptr;                                   // null: threads
};

class Reader {
 public:
  // The database must exist: open the Writer first.
  [[nodiscard]] static Result<std::unique_ptr<Reader>> open(
      Opener opener, ReaderOptions options, const Clock& clock, Metrics& metrics, Log& log);
  ~Reader(); // finishes what is queued

  // Any thread. Job: Result<T>(Database&). `done` is called exactly once: on the
  // reader's thread, or at once with BUSY on the calling thread. `whose`: the user behind the job.
  template <class T, class Job>
  void submit(Job job, Completion<T> done, std::string_view whose = {}) {
    least_busy().push(std::make_unique<TypedTask<T, Job>>(std::move(job), std::move(done)), whose);
  }

  void close();
  [[nodiscard]] std::size_t queued() const;

 private:
  struct Line {
    Connection connection;
    std::unique_ptr<Lane> lane = {}; // last: its thread ends before the connection does
  };

  Reader(ReaderOptions options, Metrics& metrics, Log& log);
  void run(Line& line, Task& task);
  [[nodiscard]] Lane& least_busy();
  void failed(const Refusal& why);

  const ReaderOptions options_;
  Log& log_;
  Gauge& queue_gauge_;
  Counter& failures_;
  std::atomic<int> logged_{-1}; // the cause that was logged last, until a read succeeds
  std::vector<std::unique_ptr<Line>> lines_;
};

} // namespace foyer::store

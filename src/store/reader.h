// The reader of a database: a thread (or an executor, see lane.h) with its own
// connection, which sees what was committed before its job began and never waits
// for the writer. A job sees one state from its start to its end.
#pragma once

#include <memory>
#include <string>

#include "base/log.h"
#include "base/metrics.h"
#include "store/lane.h"

namespace foyer::store {

struct ReaderOptions {
  std::string name;                  // "chat", "accounts"
  OpenOptions database = {};         // its access is always read_only
  std::size_t queue_limit = 10'000;  // jobs that may wait; more: BUSY
  Executor executor = {};            // empty: a thread
};

class Reader {
 public:
  // The database must exist: open the Writer first.
  [[nodiscard]] static Result<std::unique_ptr<Reader>> open(const std::string& path, ReaderOptions options, Metrics& metrics, Log& log);
  ~Reader(); // finishes what is queued

  // Any thread. Job: Result<T>(Database&). `done` is called exactly once: on the
  // reader's thread, or at once with BUSY on the calling thread.
  template <class T, class Job>
  void submit(Job job, Done<T> done) {
    lane_->push(std::make_unique<TypedTask<T, Job>>(std::move(job), std::move(done)));
  }

  void close();
  [[nodiscard]] std::size_t queued() const;

 private:
  Reader(std::string path, ReaderOptions options, Metrics& metrics, Log& log);
  void run(Task& task);

  const std::string path_;
  const ReaderOptions options_;
  Log& log_;
  Gauge& queue_gauge_;
  Counter& failures_;
  std::unique_ptr<Database> database_; // of the consumer; null after a failure, opened again by the next job
  std::unique_ptr<Lane> lane_;
};

} // namespace foyer::store

// A lane is a bounded queue of tasks with one consumer, which owns a database
// connection: either a thread of its own, or an executor that the owner drives.
//
// With an executor everything happens on the caller's thread, in the caller's
// order: a test with virtual time runs the real database on a ManualExecutor, and
// runs what is posted there whenever it wants the database to make progress. One
// piece of work takes one batch.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/metrics.h"
#include "store/fair_queue.h"
#include "store/task.h"

namespace foyer::store {

using Tasks = std::vector<std::unique_ptr<Task>>;

struct LaneOptions {
  std::string name;            // at most 15 characters: the thread's name
  std::size_t queue_limit = 0; // tasks that may wait; more: BUSY
  std::size_t batch_limit = 0; // tasks that the consumer is given at once
  Millis idle_every{0};        // with a thread: the consumer is called with no tasks after this much idleness; 0: never
  Executor* executor = nullptr; // null: a thread
  Counter* refused = nullptr;   // of tasks beyond queue_limit
};

class Lane {
 public:
  // Takes a batch, possibly an empty one; true: call again soon, even if nothing is queued.
  using Consume = std::function<bool(Tasks)>;

  Lane(LaneOptions options, Consume consume);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Any thread. When the queue is full or the lane is closed the task is refused
  // with BUSY at once, on the calling thread. Tasks of one `whose` keep their order.
  void push(std::unique_ptr<Task> task, std::string_view whose = {});
  // Any thread: call the consumer even if nothing is queued.
  void wake();
  // Refuses what comes from now on, finishes what is queued, ends the thread.
  void close();
  [[nodiscard]] std::size_t queued() const; // waiting or at work

 private:
  struct Life; // lets work that is still in the executor see whether the lane is alive

  void run();
  void turn();
  void post();
  [[nodiscard]] Tasks take(std::unique_lock<std::mutex>& held);

  const LaneOptions options_;
  const Consume consume_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  FairQueue queue_;
  std::size_t at_work_ = 0;
  bool woken_ = false;
  bool closed_ = false;
  bool scheduled_ = false; // with an executor: work is posted and not yet done
  std::shared_ptr<Life> life_;
  std::thread thread_;
};

} // namespace foyer::store

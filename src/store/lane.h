// A lane is a bounded queue of tasks with one consumer, which owns a database
// connection: either a thread of its own, or an executor that the owner drives.
//
// With an executor everything runs on the caller's thread, in the caller's
// order: a test with virtual time runs the real database on a ManualExecutor, and
// runs the posted tasks whenever the database should make progress. Each
// posted task handles one batch.
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
#include "store/gathering.h"
#include "store/task.h"

namespace foyer::store {

using Tasks = std::vector<std::unique_ptr<Task>>;
using Answering = std::function<void(const std::function<void()>& answers)>;

struct LaneOptions {
  std::string name;            // at most 15 characters: the thread's name
  std::size_t queue_limit = 0; // tasks that may wait; more: BUSY
  std::size_t batch_limit = 0; // tasks passed to the consumer at once
  Millis idle_every{0}; // with a thread: the consumer is called without tasks after this much idle time; 0: never
  Executor* executor = nullptr; // null: a thread
  Counter* refused = nullptr;   // of tasks beyond queue_limit
  bool gathers = false;         // with a thread: waits for more tasks as gathering.h says
};

class Lane {
 public:
  // Takes a batch, possibly an empty one; true: call again soon, even if nothing is queued.
  using Consume = std::function<bool(Tasks)>;

  Lane(LaneOptions options, Consume consume);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Any thread. When the queue is full or the lane is closed, the task is refused
  // with BUSY at once, on the calling thread. Tasks of one `whose` keep their order.
  void push(std::unique_ptr<Task> task, std::string_view whose = {});
  // Any thread: call the consumer even if nothing is queued.
  void wake();
  // Refuses later tasks, finishes queued ones, ends the thread.
  void close();
  [[nodiscard]] std::size_t queued() const; // waiting or running

 private:
  struct Life; // lets a task that is still in the executor check whether the lane is alive

  void run();
  void turn();
  void post();
  void gather(std::unique_lock<std::mutex>& held);
  [[nodiscard]] Tasks take(std::unique_lock<std::mutex>& held);

  const LaneOptions options_;
  const Consume consume_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  FairQueue queue_;
  std::size_t at_work_ = 0;
  Gathering gathering_;
  std::size_t wanted_ = 1; // the thread is woken when so many tasks are queued
  bool woken_ = false;
  bool closed_ = false;
  bool scheduled_ = false; // with an executor: a task is posted and not yet run
  std::shared_ptr<Life> life_;
  std::thread thread_;
};

} // namespace foyer::store

// A bounded queue with threads of its own, for work that blocks: password hashing.
// Full is an answer (BUSY), not a wait. Who is served first, and who makes room when it
// is full, is in fair_queue.h.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "exec/fair_queue.h"

namespace foyer::exec {

class WorkQueue {
 public:
  // `limit`: tasks that may wait, besides those that run. `nice`: added to the
  // threads' priority value (0 to 19), so that loops go first.
  WorkQueue(std::string_view name, int threads, std::size_t limit, int nice = 0);
  ~WorkQueue(); // stop()
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // From any thread. False when there is no room, or it was stopped: neither `run` nor
  // `dropped` is called, and the caller answers BUSY. Work that was taken and has to make
  // room later is `dropped`, on the thread of that later submitter.
  [[nodiscard]] bool submit(Work work);
  [[nodiscard]] bool submit(Task task) { return submit(Work{.run = std::move(task)}); }
  // Takes nothing more, finishes what waits, joins. Not from a task.
  void stop();

  // Under the name of the option that sets its limit (base/limit_metrics.h).
  void report_to(Metrics& metrics, std::string_view limit_name);

 private:
  void run();

  const std::string name_;
  const std::size_t limit_;
  const int nice_;
  std::mutex mutex_;
  std::condition_variable wake_;
  FairQueue waiting_;
  bool stopping_ = false;
  Gauge* depth_gauge_ = nullptr;
  Counter* rejected_ = nullptr;
  std::vector<std::thread> threads_;
};

} // namespace foyer::exec

// A bounded queue with its own threads, for work that blocks: password hashing.
// A full queue is an answer (BUSY), not a wait. The order of service, and which work makes room when it
// is full, are in fair_queue.h.
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
  // `limit`: tasks that may wait, besides the running ones. `nice`: added to the
  // threads' priority value (0 to 19), so that loops go first.
  WorkQueue(std::string_view name, int threads, std::size_t limit, int nice = 0);
  ~WorkQueue(); // stop()
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // From any thread. False when there is no room, or after stop(): neither `run` nor
  // `dropped` is called, and the caller answers BUSY. Accepted work that must make
  // room later is `dropped`, on the thread of that later submitter.
  [[nodiscard]] bool submit(Work work);
  [[nodiscard]] bool submit(Task task) { return submit(Work{.run = std::move(task)}); }
  // Accepts nothing more, finishes waiting work, joins. Not from a task.
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

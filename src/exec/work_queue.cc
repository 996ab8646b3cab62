#include "exec/work_queue.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "base/limit_metrics.h"

namespace foyer::exec {

WorkQueue::WorkQueue(std::string_view name, int threads, std::size_t limit, int nice)
    : name_(name),
      limit_(limit),
      nice_(nice),
      waiting_(limit) {
  threads_.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { run(); });
    pthread_setname_np(threads_.back().native_handle(), name_.substr(0, 15).c_str());
  }
}

WorkQueue::~WorkQueue() { stop(); }

bool WorkQueue::submit(Work work) {
  FairQueue::Push pushed;
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) pushed = waiting_.push(std::move(work));
    if (pushed.taken) {
      if (depth_gauge_ != nullptr) depth_gauge_->set(static_cast<std::int64_t>(waiting_.size()));
      wake_.notify_one();
    }
    if ((!pushed.taken || pushed.dropped) && rejected_ != nullptr) rejected_->add();
  }
  if (pushed.taken && pushed.dropped && pushed.dropped->dropped) pushed.dropped->dropped();
  return pushed.taken;
}

void WorkQueue::run() {
  // On Linux the nice value belongs to the thread.
  if (nice_ != 0) setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), std::clamp(nice_, 0, 19));
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || waiting_.size() > 0; });
    auto work = waiting_.pop();
    if (!work) return;
    {
      Task task = std::move(work->run);
      work.reset();
      if (depth_gauge_ != nullptr) depth_gauge_->set(static_cast<std::int64_t>(waiting_.size()));
      lock.unlock();
      task();
    } // destroyed without the lock: its captures may submit
    lock.lock();
  }
}

void WorkQueue::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

void WorkQueue::report_to(Metrics& metrics, std::string_view limit_name) {
  Gauge& depth = limit_gauge(metrics, limit_name, static_cast<double>(limit_));
  Counter& rejected = limit_refusals(metrics, limit_name);
  const std::lock_guard lock(mutex_);
  depth_gauge_ = &depth;
  rejected_ = &rejected;
}

} // namespace foyer::exec

#include "store/lane.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>

namespace foyer::store {

struct Lane::Life {
  Lane* lane;
};

Lane::Lane(LaneOptions options, Consume consume)
    : options_(std::move(options)),
      consume_(std::move(consume)),
      life_(std::make_shared<Life>(this)) {
  if (!options_.executor) thread_ = std::thread([this] { run(); });
}

Lane::~Lane() {
  close();
  life_->lane = nullptr;
}

void Lane::push(std::unique_ptr<Task> task, std::string_view whose) {
  std::string why;
  bool enough = false;
  {
    const std::lock_guard held(mutex_);
    if (closed_) {
      why = fmt::format("the queue of the {} database is closed", options_.name);
    } else if (queue_.size() >= options_.queue_limit) {
      if (options_.refused != nullptr) options_.refused->add();
      why = fmt::format("{} tasks are waiting for the {} database, which is the limit", queue_.size(), options_.name);
    } else {
      queue_.push(std::move(task), whose);
      enough = queue_.size() >= wanted_;
    }
  }
  if (task) {
    task->refuse_with(Refusal{.cause = Cause::BUSY, .evidence = std::move(why), .retry_after = Millis{1'000}});
    return;
  }
  if (options_.executor)
    post();
  else if (enough)
    changed_.notify_one();
}

void Lane::wake() {
  {
    const std::lock_guard held(mutex_);
    if (closed_) return;
    woken_ = true;
  }
  if (options_.executor)
    post();
  else
    changed_.notify_one();
}

std::size_t Lane::queued() const {
  const std::lock_guard held(mutex_);
  return queue_.size() + at_work_;
}

void Lane::gather(std::unique_lock<std::mutex>& held) {
  const Gathering::Wait wait = gathering_.wait();
  if (queue_.empty() || queue_.size() >= wait.tasks) return;
  wanted_ = wait.tasks;
  const auto end = std::chrono::steady_clock::now() + wait.limit;
  for (std::size_t before = 0; queue_.size() > before;) {
    before = queue_.size();
    const auto until = std::min(end, std::chrono::steady_clock::now() + wait.quiet);
    if (changed_.wait_until(held, until, [this] { return queue_.size() >= wanted_ || woken_ || closed_; })) break;
    if (until == end) break;
  }
  wanted_ = 1;
}

Tasks Lane::take(std::unique_lock<std::mutex>&) {
  Tasks batch;
  const std::size_t n = std::min(queue_.size(), options_.batch_limit);
  batch.reserve(n);
  for (std::size_t i = 0; i < n; ++i) batch.push_back(queue_.pop());
  at_work_ = n;
  woken_ = false;
  return batch;
}

void Lane::run() {
  pthread_setname_np(pthread_self(), options_.name.substr(0, 15).c_str());
  std::unique_lock held(mutex_);
  bool again = false;
  for (;;) {
    const auto ready = [this] { return !queue_.empty() || woken_ || closed_; };
    if (!again) {
      if (options_.idle_every.count() > 0)
        changed_.wait_for(held, options_.idle_every, ready);
      else
        changed_.wait(held, ready);
    }
    if (closed_ && queue_.empty()) return;
    if (options_.gathers) gather(held);
    Tasks batch = take(held);
    const std::size_t tasks = batch.size();
    held.unlock();
    const auto start = std::chrono::steady_clock::now();
    again = consume_(std::move(batch));
    const auto took = std::chrono::steady_clock::now() - start;
    held.lock();
    gathering_.consumed(tasks, took);
    at_work_ = 0;
  }
}

void Lane::post() {
  {
    const std::lock_guard held(mutex_);
    if (scheduled_) return;
    scheduled_ = true;
  }
  options_.executor->post([life = life_] {
    if (life->lane != nullptr) life->lane->turn();
  });
}

void Lane::turn() {
  std::unique_lock held(mutex_);
  Tasks batch = take(held);
  held.unlock();
  const bool again = consume_(std::move(batch));
  held.lock();
  at_work_ = 0;
  scheduled_ = false;
  const bool more = again || !queue_.empty() || woken_;
  held.unlock();
  if (more) post();
}

void Lane::close() {
  {
    const std::lock_guard held(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
    return;
  }
  if (!options_.executor) return;
  for (;;) {
    std::unique_lock held(mutex_);
    if (queue_.empty()) return;
    Tasks batch = take(held);
    held.unlock();
    consume_(std::move(batch));
    held.lock();
    at_work_ = 0;
  }
}

} // namespace foyer::store

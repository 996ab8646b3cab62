#include "exec/control.h"

#include <pthread.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace foyer::exec {

namespace asio = boost::asio;

struct ControlPlane::State : std::enable_shared_from_this<State> {
  struct Alarm {
    asio::steady_timer timer;
    Task task;
    Millis interval{0}; // 0: once
  };

  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::thread thread;
  std::atomic<TimerId> next_id{1};
  std::once_flag joined;
  std::unordered_map<TimerId, std::shared_ptr<Alarm>> alarms; // the plane's thread only

  TimerId start(Millis delay, Millis interval, Task task);
  void wait(TimerId id, const std::shared_ptr<Alarm>& alarm, Millis delay);
  void fire(TimerId id, const std::shared_ptr<Alarm>& alarm);
};

TimerId ControlPlane::State::start(Millis delay, Millis interval, Task task) {
  const TimerId id = next_id.fetch_add(1, std::memory_order_relaxed);
  asio::post(context, [this, id, delay, interval, task = std::move(task)]() mutable {
    auto alarm = std::make_shared<Alarm>(Alarm{asio::steady_timer{context}, std::move(task), interval});
    alarms.emplace(id, alarm);
    wait(id, alarm, delay);
  });
  return id;
}

void ControlPlane::State::wait(TimerId id, const std::shared_ptr<Alarm>& alarm, Millis delay) {
  alarm->timer.expires_after(delay);
  alarm->timer.async_wait([this, id, alarm](const boost::system::error_code& error) {
    if (!error) fire(id, alarm);
  });
}

void ControlPlane::State::fire(TimerId id, const std::shared_ptr<Alarm>& alarm) {
  if (!alarms.contains(id)) return; // cancelled while its expiry was queued
  if (alarm->interval == Millis{0}) alarms.erase(id);
  alarm->task();
  if (alarm->interval != Millis{0} && alarms.contains(id)) wait(id, alarm, alarm->interval);
}

ControlPlane::ControlPlane(std::string_view name) : state_(std::make_shared<State>()) {
  state_->thread = std::thread([state = state_.get()] { state->context.run(); });
  pthread_setname_np(state_->thread.native_handle(), std::string{name.substr(0, 15)}.c_str());
}

ControlPlane::~ControlPlane() { stop(); }

void ControlPlane::post(Task task) { asio::post(state_->context, std::move(task)); }

TimerId ControlPlane::after(Millis delay, Task task) { return state_->start(delay, Millis{0}, std::move(task)); }
TimerId ControlPlane::every(Millis interval, Task task) { return state_->start(interval, interval, std::move(task)); }

void ControlPlane::cancel(TimerId id) {
  asio::post(state_->context, [state = state_.get(), id] {
    const auto found = state->alarms.find(id);
    if (found == state->alarms.end()) return;
    found->second->timer.cancel();
    state->alarms.erase(found);
  });
}

void ControlPlane::stop() {
  std::call_once(state_->joined, [this] {
    state_->context.stop();
    state_->thread.join();
    state_->alarms.clear();
  });
}

asio::io_context& ControlPlane::context() { return state_->context; }

} // namespace foyer::exec

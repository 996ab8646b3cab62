// For tests: a listener with a thread of its own, which the test drives.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/control_bus.h"
#include "engine/fanout.h"

namespace foyer::engine {

// What was posted, until the test runs it.
class PostedTasks {
 public:
  void add(Task task) {
    const std::lock_guard held(mutex_);
    tasks_.push_back(std::move(task));
  }
  void run() {
    for (;;) {
      Task next;
      {
        const std::lock_guard held(mutex_);
        if (tasks_.empty()) return;
        next = std::move(tasks_.front());
        tasks_.pop_front();
      }
      next();
    }
  }

 private:
  std::mutex mutex_;
  std::deque<Task> tasks_;
};

struct EventListener final : FanoutListener {
  std::shared_ptr<PostedTasks> tasks = std::make_shared<PostedTasks>();
  std::vector<std::string> events; // "tea@3"

  void post(Task task) override { tasks->add(std::move(task)); }
  void arrived(const RoomName& room, const rooms::EventPtr& event) override {
    events.push_back(room.str() + "@" + std::to_string(event->offset));
  }
  std::string seen() {
    tasks->run();
    std::string out;
    for (const std::string& each : events) out += (out.empty() ? "" : " ") + each;
    events.clear();
    return out;
  }
};

struct MessageListener final : ControlListener {
  std::shared_ptr<PostedTasks> tasks = std::make_shared<PostedTasks>();
  std::vector<ControlMessage> messages;

  void post(Task task) override { tasks->add(std::move(task)); }
  void received(const ControlMessage& message) override { messages.push_back(message); }
  // "member tea ann", "no member tea ann", "evict tea ann", "user ann 3", "close s1 SESSION_REVOKED"
  std::string seen() {
    tasks->run();
    std::string out;
    for (const ControlMessage& each : messages) out += (out.empty() ? "" : ", ") + words(each);
    messages.clear();
    return out;
  }

 private:
  static std::string words(const ControlMessage& message) {
    if (const auto* m = std::get_if<MembershipChanged>(&message))
      return (m->member ? "member " : "no member ") + m->room.str() + " " + m->user.str();
    if (const auto* m = std::get_if<Evict>(&message)) return "evict " + m->room.str() + " " + m->user.str();
    if (const auto* m = std::get_if<ToUser>(&message))
      return "user " + m->user.str() + " " + std::to_string(m->event->offset);
    const auto& m = std::get<CloseSession>(message);
    return "close " + m.session.str() + " " + std::string(code_of(m.cause));
  }
};

inline rooms::EventPtr event_at(Offset offset) {
  return std::make_shared<const rooms::Event>(
      rooms::Event{.epoch = Epoch("e"), .offset = offset, .delivery = rooms::Delivery::history});
}

} // namespace foyer::engine

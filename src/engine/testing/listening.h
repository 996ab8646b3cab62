// For tests: a listener with a thread of its own, driven by the test.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "engine/control_bus.h"
#include "engine/fanout.h"

namespace foyer::engine {

// Posted tasks, until the test runs them.
class PostedTasks {
 public:
  void add(Task task) {
    const std::lock_guard held(mutex_);
    tasks_.push_back(std::move(task));
  }
  bool empty() {
    const std::lock_guard held(mutex_);
    return tasks_.empty();
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

inline rooms::PublicationPtr publication_at(const char* room, Offset offset) {
  return std::make_shared<rooms::Publication>(std::make_shared<const rooms::Event>(rooms::Event{
      .room = RoomName(room), .epoch = Epoch("e"), .offset = offset, .delivery = rooms::Delivery::history}));
}

struct EventListener final : FanoutListener, std::enable_shared_from_this<EventListener> {
  std::shared_ptr<PostedTasks> tasks = std::make_shared<PostedTasks>();
  std::vector<std::string> events; // "tea@3"

  void post(rooms::PublicationPtr publication) override {
    tasks->add([known = weak_from_this(), publication = std::move(publication)] {
      if (const auto there = known.lock()) there->arrived(*publication);
    });
  }
  void arrived(rooms::Publication& publication) override {
    events.push_back(publication.event().room.str() + "@" + std::to_string(publication.event().offset));
  }
  // Excludes posted tasks that have not run.
  std::string heard() {
    std::string out;
    for (const std::string& each : events) out += (out.empty() ? "" : " ") + each;
    events.clear();
    return out;
  }
  std::string seen() {
    tasks->run();
    return heard();
  }
};

struct MessageListener final : ControlListener, std::enable_shared_from_this<MessageListener> {
  std::shared_ptr<PostedTasks> tasks = std::make_shared<PostedTasks>();
  std::vector<ControlMessage> messages;

  void post(std::shared_ptr<const ControlMessage> message) override {
    tasks->add([known = weak_from_this(), message = std::move(message)] {
      if (const auto there = known.lock()) there->received(*message);
    });
  }
  void received(const ControlMessage& message) override { messages.push_back(message); }
  // "member tea ann", "evict tea ann", "user ann 3", "user ann 3 but for 7", "close tea ROOM_RESET", "revocations".
  // Excludes posted tasks that have not run.
  std::string heard() {
    std::string out;
    for (const ControlMessage& each : messages) out += (out.empty() ? "" : ", ") + words(each);
    messages.clear();
    return out;
  }
  std::string seen() {
    tasks->run();
    return heard();
  }

 private:
  static std::string words(const ControlMessage& message) {
    if (const auto* m = std::get_if<MemberAdded>(&message)) return "member " + m->room.str() + " " + m->user.str();
    if (const auto* m = std::get_if<Evict>(&message)) return "evict " + m->room.str() + " " + m->user.str();
    if (const auto* m = std::get_if<ToUser>(&message))
      return "user " + m->user.str() + " " + std::to_string(m->publication->event().offset) +
          (m->except.value == 0 ? "" : " but for " + std::to_string(m->except.value));
    if (const auto* m = std::get_if<CloseSubscribers>(&message))
      return "close " + m->room.str() + " " + std::string(m->refusal.code());
    if (const auto* m = std::get_if<Ask>(&message)) return "ask " + m->bytes;
    if (const auto* m = std::get_if<Told>(&message)) return "told " + m->bytes;
    if (const auto* m = std::get_if<UserCounts>(&message)) return "counts of " + m->from.str();
    return "revocations";
  }
};

} // namespace foyer::engine

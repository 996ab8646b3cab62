// For tests: waits for what a connection does on its own thread, with a deadline that only a fault reaches.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "redis/connection.h"

namespace foyer::redis {

inline constexpr std::chrono::seconds kPatience{60};

using Answer = std::expected<Reply, Failure>;

// A promise that the thread which keeps it may outlive the waiting test with.
template <class T>
std::shared_ptr<std::promise<T>> promised() {
  return std::make_shared<std::promise<T>>();
}

inline std::future<Answer> sent(Connection& connection, Command command) {
  auto promise = promised<Answer>();
  auto future = promise->get_future();
  connection.send(std::move(command), [promise](Answer answer) { promise->set_value(std::move(answer)); });
  return future;
}

template <class T>
T got(std::future<T> future) {
  if (future.wait_for(kPatience) != std::future_status::ready) {
    ADD_FAILURE() << "no answer";
    std::abort();
  }
  return future.get();
}

inline Answer ask(Connection& connection, Command command) { return got(sent(connection, std::move(command))); }

// "text", "7", "nil", "[a 7 nil]", "error: text"; of a failure "refused", "lost?" (it may have been done).
inline std::string words(const Reply& reply) {
  switch (reply.kind) {
    case Reply::Kind::nil: return "nil";
    case Reply::Kind::integer: return std::to_string(reply.integer);
    case Reply::Kind::text:
    case Reply::Kind::status: return reply.text;
    case Reply::Kind::error: return "error: " + reply.text;
    case Reply::Kind::array: break;
  }
  std::string out = "[";
  for (const auto& item : reply.items) out += (out.size() == 1 ? "" : " ") + words(item);
  return out + "]";
}
inline std::string words(const Answer& answer) {
  if (answer) return words(*answer);
  return std::string(to_string(answer.error().kind)) + (answer.error().maybe_done ? "?" : "");
}
inline std::string said(Connection& connection, Command command) { return words(ask(connection, std::move(command))); }

// Asks again and again until that is the answer; false: never.
inline bool until_said(Connection& connection, const Command& command, const std::string& answer) {
  for (const auto end = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < end;)
    if (said(connection, command) == answer) return true;
  return false;
}

// What happened on other threads, in order.
class Notes {
 public:
  void add(std::string what) {
    const std::lock_guard held(mutex_);
    notes_.push_back(std::move(what));
    changed_.notify_all();
  }
  // Waits until it holds for all notes so far; false: never.
  bool until(const std::function<bool(const std::vector<std::string>&)>& holds) {
    std::unique_lock held(mutex_);
    return changed_.wait_for(held, kPatience, [&] { return holds(notes_); });
  }
  bool until_count(std::size_t count) {
    return until([&](const auto& notes) { return notes.size() >= count; });
  }
  std::vector<std::string> all() {
    const std::lock_guard held(mutex_);
    return notes_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> notes_;
};

} // namespace foyer::redis

// Answers that are remembered for a while, by (event, user, room): bounded in time and number. Pure.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/ids.h"

namespace foyer::asking {

template <class Answer>
class Memory {
 public:
  Memory(Millis time, std::size_t most) : time_(time), most_(most) {}

  [[nodiscard]] bool used() const { return time_ > Millis{0}; }
  [[nodiscard]] const Answer* find(const std::string& key, MonoTime now) {
    forget(now);
    const auto at = answers_.find(key);
    return at == answers_.end() ? nullptr : &at->second.answer;
  }
  // True: the oldest had to go.
  bool keep(const std::string& key, Answer answer, MonoTime now) {
    forget(now);
    answers_.insert_or_assign(key, Kept{.answer = std::move(answer), .number = ++last_});
    order_.push_back({.key = key, .until = now + time_, .number = last_});
    if (answers_.size() <= most_) return false;
    drop_oldest();
    return true;
  }
  [[nodiscard]] std::size_t size() const { return answers_.size(); }

 private:
  struct Kept {
    Answer answer;
    std::uint64_t number = 0;
  };
  struct Place {
    std::string key;
    MonoTime until;
    std::uint64_t number = 0;
  };
  void forget(MonoTime now) {
    while (!order_.empty() && order_.front().until <= now) drop_oldest();
  }
  // An answer that was replaced has another place, behind.
  void drop_oldest() {
    const auto at = answers_.find(order_.front().key);
    if (at != answers_.end() && at->second.number == order_.front().number) answers_.erase(at);
    order_.pop_front();
  }

  const Millis time_;
  const std::size_t most_;
  std::uint64_t last_ = 0;
  std::unordered_map<std::string, Kept> answers_;
  std::deque<Place> order_;
};

} // namespace foyer::asking

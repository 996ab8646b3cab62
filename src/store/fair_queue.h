// Waiting tasks, each with an owner. Owners take turns, so that an owner with
// many tasks waits for the others as long as they wait for it. Of one owner, the
// oldest task goes first. Not thread safe.
//
//   ann ann ann bob  →  ann bob ann ann
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/bytes.h"
#include "store/task.h"

namespace foyer::store {

class FairQueue {
 public:
  void push(std::unique_ptr<Task> task, std::string_view whose) {
    auto found = waiting_.find(whose);
    if (found == waiting_.end()) {
      found = waiting_.emplace(std::string(whose), Tasks{}).first;
      turns_.push_back(&*found);
    }
    found->second.push_back(std::move(task));
    ++size_;
  }
  // Not when empty.
  [[nodiscard]] std::unique_ptr<Task> pop() {
    Entry* entry = turns_.front();
    turns_.pop_front();
    auto task = std::move(entry->second.front());
    entry->second.pop_front();
    --size_;
    if (entry->second.empty())
      waiting_.erase(waiting_.find(entry->first));
    else
      turns_.push_back(entry);
    return task;
  }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  using Tasks = std::deque<std::unique_ptr<Task>>;
  using Waiting = std::unordered_map<std::string, Tasks, TransparentStringHash, std::equal_to<>>;
  using Entry = Waiting::value_type; // stays where it is until it is erased

  Waiting waiting_;
  std::deque<Entry*> turns_; // each entry of waiting_ once
  std::size_t size_ = 0;
};

} // namespace foyer::store

// The end of several commands, in whatever order they are answered: runs what it was given when its last owner is gone.
#pragma once

#include <functional>
#include <memory>
#include <utility>

namespace foyer::engine {

class AllAnswered {
 public:
  explicit AllAnswered(std::function<void()> done) : done_(std::move(done)) {}
  ~AllAnswered() {
    if (done_) done_();
  }
  AllAnswered(const AllAnswered&) = delete;
  AllAnswered& operator=(const AllAnswered&) = delete;

 private:
  std::function<void()> done_;
};
using AllAnsweredPtr = std::shared_ptr<AllAnswered>; // owned by the completions of the commands

} // namespace foyer::engine

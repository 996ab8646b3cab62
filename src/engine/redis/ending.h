// The end of several commands, in whatever order they are answered: runs what it was given when its last owner is gone.
#pragma once

#include <functional>
#include <memory>
#include <utility>

namespace foyer::engine {

class Ending {
 public:
  explicit Ending(std::function<void()> done) : done_(std::move(done)) {}
  ~Ending() {
    if (done_) done_();
  }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

 private:
  std::function<void()> done_;
};
using EndingPtr = std::shared_ptr<Ending>; // owned by the completions of the commands

} // namespace foyer::engine

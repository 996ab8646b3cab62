// What the loops of this node did with a message about connections. Each loop shares it while it acts, some beyond
// the message itself (a join waits for the store); the answer is given when the last one has let go of it.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/completion.h"
#include "base/refusal.h"

namespace foyer::engine {

struct Applied {
  std::size_t connections = 0; // that it was applied to
};

// Thread safe.
class Outcome {
 public:
  explicit Outcome(Completion<Applied> done) : done_(std::move(done)) {}
  // Answers on the thread of the last owner: with a refusal if there was one and it was applied to no connection.
  ~Outcome() {
    if (applied_ == 0 && refusal_)
      done_(std::unexpected(std::move(*refusal_)));
    else
      done_(Applied{applied_});
  }
  Outcome(const Outcome&) = delete;
  Outcome& operator=(const Outcome&) = delete;

  void applied() {
    const std::lock_guard held(mutex_);
    ++applied_;
  }
  void refused(Refusal refusal) {
    const std::lock_guard held(mutex_);
    if (!refusal_) refusal_ = std::move(refusal);
  }

 private:
  Completion<Applied> done_;
  std::mutex mutex_;
  std::size_t applied_ = 0;
  std::optional<Refusal> refusal_; // the first
};
using OutcomePtr = std::shared_ptr<Outcome>;

} // namespace foyer::engine

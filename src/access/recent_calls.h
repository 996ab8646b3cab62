// Calls with an idempotency key whose effect exists only in the memory of this process, such as a message into a room
// that is not durable: their records live where the effect does. Nothing is stored, and no thread is waited for.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/completion.h"
#include "base/limit_metrics.h"
#include "rooms/model/call_record.h"

namespace foyer::access {

struct CallAnswer {
  std::string text;
  bool replayed = false;
};

// Thread safe.
class RecentCalls {
 public:
  static constexpr std::size_t kMost = 200'000;       // kept; beyond, the oldest are forgotten earlier than after a day
  static constexpr std::size_t kMostWaiting = 10'000; // repetitions that wait for a first call; more: BUSY

  using Work = std::move_only_function<void(Completion<std::string> done)>;

  // `clock` must outlive it.
  RecentCalls(const Clock& clock, Metrics& metrics, std::size_t most = kMost);

  // Any thread. Runs the work at once, unless the key is known: then its answer is repeated, or waited for. KEY_REUSED
  // (field idempotency_key) for another body, BUSY, or what the work refuses with, which is not kept. `done` is called
  // at once, or on the thread of the work's answer.
  void run(const rooms::CallKey& key, std::string body_hash, Work work, Completion<CallAnswer> done);

 private:
  struct State; // shared with works that are under way
  std::shared_ptr<State> state_;
};

// The refusal of another body under a used key.
[[nodiscard]] Refusal key_reused();

} // namespace foyer::access

// Counters of a loop, written by the loop alone and readable from any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace foyer::io {

// A counter with one writer: no locked instruction on the hot path.
class LoopCounter {
 public:
  void add(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(std::uint64_t n) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct LoopStats {
  LoopCounter turns;
  LoopCounter connections; // open now
  LoopCounter accepted;
  LoopCounter shed;  // accepted and closed at once for lack of file descriptors or memory
  LoopCounter reads; // system calls that returned bytes
  LoopCounter bytes_in;
  LoopCounter sends; // system calls that sent bytes
  LoopCounter bytes_out;
  LoopCounter blocked;   // flushes that could not send everything
  LoopCounter postponed; // pieces of expensive work that had to wait for a later turn
  LoopCounter posts;     // tasks from other threads, or from itself, that were run
};

} // namespace foyer::io

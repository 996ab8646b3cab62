// How many connections on each loop are subscribed to a room. Kept by the room's home.
#pragma once

#include <array>
#include <cstdint>

namespace foyer::rooms {

inline constexpr std::size_t kMaxLoops = 64;

class Audience {
 public:
  void add(std::uint8_t loop) { ++count_[loop], ++total_; }
  // True: it was the last subscriber on that loop.
  bool remove(std::uint8_t loop) {
    if (count_[loop] == 0) return false;
    --count_[loop], --total_;
    return count_[loop] == 0;
  }
  [[nodiscard]] bool empty() const { return total_ == 0; }
  [[nodiscard]] std::uint64_t total() const { return total_; }

 private:
  std::array<std::uint32_t, kMaxLoops> count_{};
  std::uint64_t total_ = 0;
};

} // namespace foyer::rooms

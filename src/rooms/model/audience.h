// Which loops a room's publications go to: a count of subscribed connections per
// loop, kept by the room's home. One post per loop that has any.
#pragma once

#include <array>
#include <cstdint>

namespace foyer::rooms {

inline constexpr std::size_t kMaxLoops = 64;

class Audience {
 public:
  void add(std::uint8_t loop) { ++count_[loop], ++total_; }
  void remove(std::uint8_t loop) {
    if (count_[loop] == 0) return;
    --count_[loop], --total_;
  }
  [[nodiscard]] bool empty() const { return total_ == 0; }
  [[nodiscard]] std::uint64_t total() const { return total_; }
  template <class Function>
  void for_each_loop(Function&& function) const {
    for (std::size_t i = 0; i < kMaxLoops; ++i)
      if (count_[i] > 0) function(static_cast<std::uint8_t>(i));
  }

 private:
  std::array<std::uint32_t, kMaxLoops> count_{};
  std::uint64_t total_ = 0;
};

} // namespace foyer::rooms

// Identifies one session of a client within its node.
#pragma once

#include <cstdint>

namespace foyer::rooms {

struct SessionKey {
  std::uint64_t value = 0; // 0: none
  friend bool operator==(const SessionKey&, const SessionKey&) = default;
};

} // namespace foyer::rooms

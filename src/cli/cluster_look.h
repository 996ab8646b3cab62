// What `foyer cluster` and `foyer check --live` have in common.
#pragma once

#include <algorithm>

#include "config/options.h"

namespace foyer::cli {

inline constexpr Millis kLeastSilence{3'000}; // however short a tick is: a look takes time itself
inline constexpr int kSilentTicks = 10;       // as members judge each other

// A node that has said nothing for so long is not alive.
[[nodiscard]] inline Millis silence_of(const config::Config& config) {
  return std::max<Millis>(kLeastSilence, config.cluster_tick * kSilentTicks);
}

} // namespace foyer::cli

#include "rooms/model/durability.h"

#include <algorithm>

namespace foyer::rooms {

bool matches(std::string_view pattern, std::string_view text) {
  // On a mismatch, retries after the last star with one more character under it: no recursion, no
  // blow-up.
  std::size_t p = 0, t = 0, star = std::string_view::npos, under = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      under = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++under;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool Durability::durable(std::string_view room) const {
  return std::ranges::none_of(patterns_, [&](const std::string& pattern) { return matches(pattern, room); });
}

} // namespace foyer::rooms

// UTF-8 in pieces (RFC 3629): validates text as it arrives, so that
// a message fails at its first bad byte and not at its end (RFC 6455 §8.1).
#pragma once

#include <cstdint>
#include <string_view>

namespace foyer::wire {

class Utf8Stream {
 public:
  // False from the first byte that cannot be part of UTF-8 on.
  bool feed(std::string_view bytes);
  [[nodiscard]] bool complete() const { return due_ == 0; } // no character is incomplete

 private:
  std::uint8_t due_ = 0;    // continuation bytes still to come
  std::uint8_t low_ = 0x80; // bounds of the next one
  std::uint8_t high_ = 0xbf;
};

} // namespace foyer::wire

// Values as bytes, for what nodes send each other: numbers in as few bytes as they need, strings after their length.
// There is one form for each value, and the reader takes no other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/clock.h"

namespace foyer::rooms {

class PackedWriter {
 public:
  void byte(std::uint8_t value) { out_ += static_cast<char>(value); }
  void flag(bool value) { byte(value ? 1 : 0); }
  // Seven bits to a byte, the lowest first; the eighth says that more follow.
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) byte(static_cast<std::uint8_t>(value | 0x80U));
    byte(static_cast<std::uint8_t>(value));
  }
  void text(std::string_view value) {
    number(value.size());
    out_ += value;
  }
  void time(WallTime value) { // before 1970 also: the sign is the lowest bit
    const std::int64_t ms = unix_millis(value);
    number((static_cast<std::uint64_t>(ms) << 1U) ^ static_cast<std::uint64_t>(ms >> 63));
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// After a fault it reads zeros and empty strings, so that only the end has to be checked.
class PackedReader {
 public:
  explicit PackedReader(std::string_view bytes) : rest_(bytes) {}

  std::uint8_t byte() {
    if (rest_.empty()) {
      fail();
      return 0;
    }
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  bool flag() {
    const std::uint8_t value = byte();
    if (value > 1) fail();
    return value == 1;
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t next = byte();
      if ((shift == 63 && next > 1) || (shift > 0 && next == 0)) fail(); // too large; or longer than it needs to be
      value |= static_cast<std::uint64_t>(next & 0x7fU) << shift;
      if ((next & 0x80U) == 0) return failed_ ? 0 : value;
    }
    fail();
    return 0;
  }
  // Valid UTF-8 of at most that many bytes.
  std::string text(std::size_t most) {
    const std::string_view value = bytes(most);
    if (is_utf8(value)) return std::string(value);
    fail();
    return {};
  }
  // Any bytes, in place.
  std::string_view bytes(std::size_t most) {
    const std::uint64_t size = number();
    if (size > most || size > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view value = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return value;
  }
  WallTime time() {
    const std::uint64_t value = number();
    return from_unix_millis(static_cast<std::int64_t>((value >> 1U) ^ (~(value & 1U) + 1U)));
  }
  void fail() {
    failed_ = true;
    rest_ = {};
  }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] std::string_view rest() const { return rest_; }          // not read yet
  [[nodiscard]] bool whole() const { return !failed_ && rest_.empty(); } // everything was read, and nothing is left

 private:
  std::string_view rest_;
  bool failed_ = false;
};

} // namespace foyer::rooms

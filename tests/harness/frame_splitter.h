// Splits a stream of bytes into WebSocket frames (RFC 6455 §5.2) without changing them. It only
// finds where a frame ends, so a recording shows the flags that were on the wire and does not
// depend on the decoder under test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace foyer::harness {

struct RawFrame {
  std::string bytes;    // all of it
  std::size_t head = 0; // so many of them come before the payload
  bool masked = false;  // no server masks
  [[nodiscard]] std::uint8_t flags() const { return static_cast<std::uint8_t>(bytes[0]) & 0xF0U; } // FIN, RSV1 to RSV3
  [[nodiscard]] std::uint8_t opcode() const { return static_cast<std::uint8_t>(bytes[0]) & 0x0FU; }
  [[nodiscard]] std::string_view payload() const { return std::string_view(bytes).substr(head); }
};

class FrameSplitter {
 public:
  void add(std::string_view bytes) {
    rest_.erase(0, read_);
    read_ = 0;
    rest_ += bytes;
  }

  // The next complete frame. If a length is absurd, everything that is there, so that the decoder reports it.
  [[nodiscard]] std::optional<RawFrame> next() {
    const std::string_view rest = std::string_view(rest_).substr(read_);
    if (rest.size() < 2) return std::nullopt;
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(rest[at]); };
    const std::size_t extended = (byte(1) & 0x7FU) == 126 ? 2 : (byte(1) & 0x7FU) == 127 ? 8 : 0;
    const bool masked = (byte(1) & 0x80U) != 0;
    const std::size_t head = 2 + extended + (masked ? 4 : 0);
    if (rest.size() < head) return std::nullopt;
    std::uint64_t length = extended == 0 ? byte(1) & 0x7FU : 0;
    for (std::size_t i = 0; i < extended; ++i) length = length << 8U | byte(2 + i);
    if (length <= kLongest && rest.size() - head < length) return std::nullopt;
    const std::size_t size = length <= kLongest ? head + static_cast<std::size_t>(length) : rest.size();
    read_ += size;
    return RawFrame{.bytes = std::string(rest.substr(0, size)), .head = head, .masked = masked};
  }

  [[nodiscard]] bool unfinished() const { return rest_.size() > read_; } // holds the beginning of a frame

 private:
  static constexpr std::uint64_t kLongest = 64U << 20;
  std::string rest_;
  std::size_t read_ = 0;
};

} // namespace foyer::harness

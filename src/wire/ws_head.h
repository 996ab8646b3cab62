// The head of a frame (RFC 6455 §5.2), and what is wrong with it as early as a byte shows it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/mask.h"
#include "wire/websocket.h"

namespace foyer::wire {

inline constexpr std::size_t kMaxControl = 125; // RFC 6455 §5.5
inline constexpr std::size_t kMaxFrameHead = 14;

[[nodiscard]] constexpr WsError protocol_error(std::string_view what) { return {1002, what, Cause::PROTOCOL_ERROR}; }
[[nodiscard]] constexpr WsError not_utf8(std::string_view what) { return {1007, what, Cause::INVALID_UTF8}; }
// RFC 7692 names no code for data that does not inflate. 1007, because the frames are in
// order and what they hold is not; 1002 would send people to look for a proxy.
[[nodiscard]] constexpr WsError not_deflate(std::string_view what) { return {1007, what, Cause::INVALID_COMPRESSION}; }
[[nodiscard]] constexpr WsError too_big(std::string_view what) { return {1009, what, Cause::MESSAGE_TOO_BIG}; }

struct FrameHead {
  std::uint64_t length = 0;
  MaskKey mask{};
  Opcode opcode{};
  bool fin = false;
  bool masked = false;
  bool packed = false; // RSV1: the message that begins here is compressed
  [[nodiscard]] bool control() const { return (static_cast<unsigned>(opcode) & 8U) != 0; }
};

// What the head of a frame depends on.
struct HeadContext {
  std::uint64_t room;        // bytes that the message may still grow by
  std::uint64_t packed_room; // likewise, as they arrive, if it is compressed
  bool in_message;           // a fragmented message is unfinished
  bool in_packed;            // and it is compressed
  bool deflate;              // permessage-deflate was agreed on
  bool expect_mask;
};

// Reads a head from the front of `bytes`. Returns its size, 0 when more bytes are
// needed, and sets `error` as soon as the bytes at hand show one.
std::size_t read_head(const std::uint8_t* bytes, std::size_t size, const HeadContext& context, FrameHead& head, WsError& error);

} // namespace foyer::wire

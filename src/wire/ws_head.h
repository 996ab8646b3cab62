// The head of a frame (RFC 6455 §5.2), with errors reported at the first byte that shows them.
// For ws_decoder.cc only; inline, because it runs once per frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "wire/mask.h"
#include "wire/websocket.h"

namespace foyer::wire {

inline constexpr std::size_t kMaxControl = 125; // RFC 6455 §5.5
inline constexpr std::size_t kMaxFrameHead = 14;

[[nodiscard]] constexpr WsError protocol_error(std::string_view what) { return {1002, Cause::PROTOCOL_ERROR, what}; }
[[nodiscard]] constexpr WsError not_utf8(std::string_view what) { return {1007, Cause::INVALID_UTF8, what}; }
// RFC 7692 names no code for data that does not inflate. 1007, because the frames are valid
// and their contents are not; 1002 would suggest a broken proxy.
[[nodiscard]] constexpr WsError not_deflate(std::string_view what) { return {1007, Cause::INVALID_COMPRESSION, what}; }
[[nodiscard]] constexpr WsError too_big(std::string_view what) { return {1009, Cause::MESSAGE_TOO_BIG, what}; }

struct FrameHead {
  std::uint64_t length = 0;
  MaskKey mask{};
  Opcode opcode{};
  bool fin = false;
  bool masked = false;
  bool packed = false; // RSV1: the message that begins here is compressed
  [[nodiscard]] bool control() const { return (static_cast<unsigned>(opcode) & 8U) != 0; }
};

// The state that the head of a frame depends on.
struct HeadContext {
  std::uint64_t room;        // bytes that the message may still grow by
  std::uint64_t packed_room; // the same in wire bytes, if it is compressed
  bool in_message;           // a fragmented message is incomplete
  bool in_packed;            // and it is compressed
  bool deflate;              // permessage-deflate was negotiated
  bool expect_mask;
};

// The error in the first byte of a head; empty: none.
[[nodiscard]] inline std::string_view read_first_byte(unsigned first, const HeadContext& context, FrameHead& head) {
  head.packed = (first & 0x40U) != 0;
  if ((first & 0x30U) != 0 || (head.packed && !context.deflate))
    return "a reserved bit is set and no extension was negotiated";
  head.fin = (first & 0x80U) != 0;
  const unsigned opcode = first & 0x0fU;
  if ((opcode & 7U) > 2) return "an unknown opcode";
  head.opcode = static_cast<Opcode>(opcode);
  if (head.control()) {
    if (!head.fin) return "a control frame in fragments";
  } else if (head.opcode == Opcode::continuation) {
    if (!context.in_message) return "a continuation frame without a message";
  } else if (context.in_message) {
    return "a new message before the last one ended";
  }
  // RFC 7692 §6: only the first frame of a message says that it is compressed.
  if (head.packed && (head.control() || head.opcode == Opcode::continuation))
    return "the compression bit on a frame that does not begin a message";
  return {};
}

// Reads a head from the front of `bytes`. Returns its size, 0 if more bytes are
// needed, and sets `error` as soon as the available bytes show one.
inline std::size_t read_head(
    const std::uint8_t* bytes, std::size_t size, const HeadContext& context, FrameHead& head, WsError& error) {
  const auto fail = [&error](std::string_view what) {
    error = protocol_error(what);
    return std::size_t{0};
  };
  if (size < 1) return 0;
  if (const auto fault = read_first_byte(bytes[0], context, head); !fault.empty()) return fail(fault);
  if (size < 2) return 0;
  const unsigned second = bytes[1];
  head.masked = (second & 0x80U) != 0;
  if (!head.masked && context.expect_mask && head.opcode == Opcode::close && second == 2) {
    if (size < 4) return 0;
    if (bytes[2] == 0x03 && bytes[3] == 0xe9) {
      error = {1002, Cause::PROTOCOL_ERROR, "a Close 1001 that is not masked", true};
      return 0;
    }
  }
  if (head.masked != context.expect_mask)
    return fail(context.expect_mask ? "a client's frame is not masked" : "a server's frame is masked");
  const unsigned short_length = second & 0x7fU;
  if (head.control() && short_length > kMaxControl) return fail("a control frame of more than 125 bytes");

  std::size_t at = 2;
  if (short_length < 126) {
    head.length = short_length;
  } else {
    const std::size_t wide = short_length == 126 ? 2 : 8;
    if (wide == 8 && size > at && (bytes[at] & 0x80U) != 0) return fail("a length of more than 63 bits");
    if (size < at + wide) return 0;
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < wide; ++i) length = (length << 8U) | bytes[at + i];
    at += wide;
    if (length < (wide == 2 ? 126U : 65536U)) return fail("a length that is not in its shortest form");
    head.length = length;
  }
  if (!head.control() && head.length > (head.packed || context.in_packed ? context.packed_room : context.room)) {
    error = too_big("a message over the limit");
    return 0;
  }
  if (head.masked) {
    if (size < at + 4) return 0;
    std::memcpy(head.mask.data(), bytes + at, 4);
    at += 4;
  }
  return at;
}

} // namespace foyer::wire

#include <algorithm>
#include <cstring>
#include <string>

#include "base/bytes.h"
#include "wire/mask.h"
#include "wire/utf8_stream.h"
#include "wire/websocket.h"

namespace foyer::wire {
namespace {

constexpr std::uint16_t kProtocolError = 1002;
constexpr std::uint16_t kBadPayload = 1007;
constexpr std::uint16_t kTooBig = 1009;
constexpr std::size_t kMaxControl = 125; // RFC 6455 §5.5
constexpr std::size_t kMaxFrameHead = 14;

constexpr WsError kNotUtf8{kBadPayload, "text is not UTF-8"};

struct FrameHead {
  std::uint64_t length = 0;
  MaskKey mask{};
  Opcode opcode{};
  bool fin = false;
  bool masked = false;
  [[nodiscard]] bool control() const { return (static_cast<unsigned>(opcode) & 8U) != 0; }
};

// What the head of a frame depends on.
struct HeadContext {
  std::uint64_t room;  // bytes that the message may still grow by
  bool in_message;     // a fragmented message is unfinished
  bool expect_mask;
};

// Reads a head from the front of `bytes`. Returns its size, 0 when more bytes are
// needed, and sets `error` as soon as the bytes at hand show one (RFC 6455 §5.2).
std::size_t read_head(const std::uint8_t* bytes, std::size_t size, const HeadContext& context, FrameHead& head, WsError& error) {
  const auto fail = [&error](std::uint16_t close, std::string_view what) {
    error = {close, what};
    return std::size_t{0};
  };
  if (size < 1) return 0;
  const unsigned first = bytes[0];
  if ((first & 0x70U) != 0) return fail(kProtocolError, "a reserved bit is set and no extension was agreed on");
  head.fin = (first & 0x80U) != 0;
  const unsigned opcode = first & 0x0fU;
  if ((opcode & 7U) > 2) return fail(kProtocolError, "an unknown opcode");
  head.opcode = static_cast<Opcode>(opcode);
  if (head.control()) {
    if (!head.fin) return fail(kProtocolError, "a control frame in fragments");
  } else if (head.opcode == Opcode::continuation) {
    if (!context.in_message) return fail(kProtocolError, "a continuation without a beginning");
  } else if (context.in_message) {
    return fail(kProtocolError, "a new message before the last one ended");
  }

  if (size < 2) return 0;
  const unsigned second = bytes[1];
  head.masked = (second & 0x80U) != 0;
  if (head.masked != context.expect_mask)
    return fail(kProtocolError, context.expect_mask ? "a client's frame is not masked" : "a server's frame is masked");
  const unsigned short_length = second & 0x7fU;
  if (head.control() && short_length > kMaxControl) return fail(kProtocolError, "a control frame of more than 125 bytes");

  std::size_t at = 2;
  if (short_length < 126) {
    head.length = short_length;
  } else {
    const std::size_t wide = short_length == 126 ? 2 : 8;
    if (size < at + wide) return 0;
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < wide; ++i) length = (length << 8U) | bytes[at + i];
    at += wide;
    if ((length >> 63U) != 0) return fail(kProtocolError, "a length of more than 63 bits");
    if (length < (wide == 2 ? 126U : 65536U)) return fail(kProtocolError, "a length that is not in its shortest form");
    head.length = length;
  }
  if (!head.control() && head.length > context.room) return fail(kTooBig, "a message over the limit");
  if (head.masked) {
    if (size < at + 4) return 0;
    std::memcpy(head.mask.data(), bytes + at, 4);
    at += 4;
  }
  return at;
}

WsError hand_on_control(Opcode opcode, std::string_view payload, WsSink& sink, bool& stopped) {
  if (opcode == Opcode::ping) {
    stopped = !sink.on_ping(payload);
  } else if (opcode == Opcode::pong) {
    stopped = !sink.on_pong(payload);
  } else {
    stopped = true; // nothing that follows a Close is read (§5.5.1)
    if (payload.empty()) {
      sink.on_close(1005, {});
      return {};
    }
    if (payload.size() == 1) return {kProtocolError, "a close frame with half a code"};
    const auto code = static_cast<std::uint16_t>((static_cast<std::uint8_t>(payload[0]) << 8U) | static_cast<std::uint8_t>(payload[1]));
    if (!valid_close_code(code)) return {kProtocolError, "a close code that may not be sent"};
    if (!is_utf8(payload.substr(2))) return {kBadPayload, "a close reason that is not UTF-8"};
    sink.on_close(code, payload.substr(2));
  }
  return {};
}

} // namespace

// Exists only while a frame or a fragmented message is unfinished.
struct WsDecoder::Partial {
  std::string message;                 // payload of the message so far
  Opcode kind = Opcode::continuation;  // of the fragmented message; continuation: there is none
  Utf8Stream utf8;
  bool in_frame = false;               // the head was read, the payload was not
  std::uint8_t head_size = 0;          // bytes of an unfinished head
  std::array<std::uint8_t, kMaxFrameHead> head_bytes{};
  FrameHead head;
  std::uint64_t done = 0;              // payload bytes of this frame so far
  std::uint32_t control_size = 0;
  std::array<char, kMaxControl + kPadding> control{};

  [[nodiscard]] bool in_message() const { return kind != Opcode::continuation; }
};

WsDecoder::WsDecoder(WsRole role, std::uint32_t max_message) : max_message_(max_message), role_(role) {}
WsDecoder::~WsDecoder() = default;
WsDecoder::WsDecoder(WsDecoder&&) noexcept = default;
WsDecoder& WsDecoder::operator=(WsDecoder&&) noexcept = default;

std::size_t WsDecoder::buffered() const {
  return partial_ ? partial_->message.size() + partial_->head_size + partial_->control_size : 0;
}

WsError WsDecoder::feed(std::span<char> bytes, WsSink& sink) {
  WsError error;
  char* at = bytes.data();
  char* const end = at + bytes.size();
  while (at != end && !stopped_) {
    if (!partial_) {
      // Whole frames of whole messages never leave the caller's buffer.
      const HeadContext context{max_message_, false, role_ == WsRole::server};
      FrameHead head;
      const std::size_t head_size = read_head(reinterpret_cast<const std::uint8_t*>(at), static_cast<std::size_t>(end - at), context, head, error);
      const bool whole = head_size != 0 && head.length <= static_cast<std::uint64_t>(end - at) - head_size;
      if (error.close == 0 && whole && (head.fin || head.control())) {
        char* const payload = at + head_size;
        const auto size = static_cast<std::size_t>(head.length);
        const std::string_view view{payload, size};
        const bool ascii = head.masked && apply_mask(payload, size, head.mask);
        at = payload + size;
        if (head.control()) {
          error = hand_on_control(head.opcode, view, sink, stopped_);
        } else if (head.opcode == Opcode::text && !ascii && !is_utf8(view)) {
          error = kNotUtf8;
        } else {
          stopped_ = !sink.on_message(head.opcode, view);
        }
      } else if (error.close == 0) {
        partial_ = std::make_unique<Partial>();
      }
    } else {
      error = feed_partial(at, end, sink);
    }
    if (error.close != 0) {
      stopped_ = true;
      partial_.reset();
    }
  }
  return error;
}

// One step with a frame or message that spans several calls or fragments.
WsError WsDecoder::feed_partial(char*& at, char* end, WsSink& sink) {
  Partial& p = *partial_;
  if (!p.in_frame) {
    const HeadContext context{max_message_ - p.message.size(), p.in_message(), role_ == WsRole::server};
    WsError error;
    std::size_t size = 0;
    if (p.head_size == 0) {
      p.head = {};
      size = read_head(reinterpret_cast<const std::uint8_t*>(at), static_cast<std::size_t>(end - at), context, p.head, error);
      if (size != 0) at += size;
    }
    while (size == 0 && error.close == 0 && at != end) {
      p.head_bytes[p.head_size++] = static_cast<std::uint8_t>(*at++);
      p.head = {};
      size = read_head(p.head_bytes.data(), p.head_size, context, p.head, error);
    }
    if (error.close != 0 || size == 0) return error;
    p.head_size = 0;
    p.in_frame = true;
    p.done = 0;
    if (p.head.opcode == Opcode::text || p.head.opcode == Opcode::binary) p.kind = p.head.opcode;
  }

  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(p.head.length - p.done, static_cast<std::uint64_t>(end - at)));
  if (p.head.masked) apply_mask(at, size, p.head.mask, static_cast<std::size_t>(p.done % 4));
  const std::string_view piece{at, size};
  at += size;
  p.done += size;
  const bool frame_ends = p.done == p.head.length;
  if (frame_ends) p.in_frame = false;

  if (p.head.control()) {
    std::memcpy(p.control.data() + p.control_size, piece.data(), piece.size());
    p.control_size += static_cast<std::uint32_t>(piece.size());
    if (!frame_ends) return {};
    const std::string_view payload{p.control.data(), p.control_size};
    p.control_size = 0;
    const WsError error = hand_on_control(p.head.opcode, payload, sink, stopped_);
    if (!p.in_message()) partial_.reset();
    return error;
  }

  if (p.kind == Opcode::text && !p.utf8.feed(piece)) return kNotUtf8;
  p.message.append(piece);
  if (!frame_ends || !p.head.fin) return {};
  if (p.kind == Opcode::text && !p.utf8.complete()) return kNotUtf8;
  const auto whole = std::move(partial_); // the next message begins with nothing
  const std::size_t length = whole->message.size();
  whole->message.append(kPadding, '\0');
  stopped_ = !sink.on_message(whole->kind, std::string_view{whole->message}.substr(0, length));
  return {};
}

} // namespace foyer::wire

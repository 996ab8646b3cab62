#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "wire/deflate.h"
#include "wire/mask.h"
#include "wire/utf8_stream.h"
#include "wire/websocket.h"
#include "wire/ws_head.h"

namespace foyer::wire {
namespace {

constexpr std::size_t kUnpackStep = 8 * 1024;
constexpr std::uint64_t kFreeFragments =
    1024; // fragments of a message, plus one for each of its bytes: otherwise empty ones could go on for ever
constexpr WsError kTextNotUtf8 = not_utf8("text is not UTF-8");

// Wire bytes allowed for a message within its limit: incompressible data grows a little.
constexpr std::uint64_t packed_limit(std::uint64_t max_message) { return max_message + max_message / 8 + 64; }

// Decompresses `packed` to the end of `message`, which never becomes longer than `limit`. `text`
// validates what is kept; null: not text.
WsError unpack(Inflater& inflater, std::string_view packed, std::size_t limit, Utf8Stream* text, std::string& message) {
  std::array<char, kUnpackStep> step; // uninitialised: zlib writes what is read
  for (;;) {
    std::span<char> space = step;
    const auto got = inflater.step(packed, space);
    const std::string_view came{step.data(), step.size() - space.size()};
    const std::string_view kept = came.substr(0, limit - message.size());
    if (text != nullptr && !text->feed(kept)) return kTextNotUtf8;
    message.append(kept);
    if (kept.size() < came.size()) return too_big("a message that is over the limit when unpacked");
    if (got == Inflater::Got::bad) return not_deflate("data that does not inflate");
    if (got == Inflater::Got::all) return {};
  }
}

// The end of a message that was partly decompressed.
WsError unpack_end(Inflater& inflater, std::size_t limit, Utf8Stream* text, std::string& message) {
  const std::size_t size = message.size();
  const WsError error = unpack(inflater, kMessageTail, limit, text, message);
  if (error.close != 0) return error;
  // The tail ends an empty block. zlib alone accepts truncated data (the tail may
  // even fill the gap) and trailing data.
  if (message.size() != size || !inflater.at_end())
    return not_deflate("a compressed message that does not end with a block");
  return {};
}

WsError unpack_message(
    Inflater& inflater, std::string_view packed, std::size_t limit, bool is_text, std::string& message) {
  Utf8Stream stream;
  Utf8Stream* const text = is_text ? &stream : nullptr;
  if (packed.empty()) return {}; // no block at all: an empty message
  if (const WsError error = unpack(inflater, packed, limit, text, message); error.close != 0) return error;
  if (const WsError error = unpack_end(inflater, limit, text, message); error.close != 0) return error;
  return stream.complete() ? WsError{} : kTextNotUtf8;
}

// An inflater from the pool, for one message.
class Lent {
 public:
  Lent() = default;
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  ~Lent() {
    if (inflater_) pool_->take_back(std::move(inflater_));
  }
  [[nodiscard]] Inflater* from(InflaterPool& pool) {
    pool_ = &pool;
    inflater_ = pool.lend();
    return inflater_.get();
  }

 private:
  InflaterPool* pool_ = nullptr;
  std::unique_ptr<Inflater> inflater_;
};

WsError hand_on_control(Opcode opcode, std::string_view payload, WsSink& sink, bool& stopped) {
  if (opcode == Opcode::ping) {
    stopped = !sink.on_ping(payload);
  } else if (opcode == Opcode::pong) {
    stopped = !sink.on_pong(payload);
  } else {
    stopped = true; // nothing after a Close is read (§5.5.1)
    if (payload.empty()) {
      sink.on_close(1005, {});
      return {};
    }
    if (payload.size() == 1) return protocol_error("a close frame with half a code");
    const auto code = static_cast<std::uint16_t>(
        (static_cast<std::uint8_t>(payload[0]) << 8U) | static_cast<std::uint8_t>(payload[1]));
    if (!valid_close_code(code)) return protocol_error("a close code that may not be sent");
    if (!is_utf8(payload.substr(2))) return not_utf8("a close reason that is not UTF-8");
    sink.on_close(code, payload.substr(2));
  }
  return {};
}

} // namespace

// Exists only while a frame or a fragmented message is unfinished.
struct WsDecoder::Partial {
  std::string message;                // payload of the message so far; compressed, if it waits to be decompressed
  Opcode kind = Opcode::continuation; // of the fragmented message; continuation: none
  Utf8Stream utf8;
  bool packed = false;           // the message is compressed
  std::uint64_t frames = 0;      // of the message so far
  std::uint64_t packed_size = 0; // its wire bytes so far
  Inflater* inflater = nullptr;  // decompresses it as it arrives; null: it waits until it is whole
  Lent lent;
  bool in_frame = false;      // the head was read, the payload was not
  std::uint8_t head_size = 0; // bytes of an unfinished head
  std::array<std::uint8_t, kMaxFrameHead> head_bytes{};
  FrameHead head;
  std::uint64_t done = 0; // payload bytes of this frame so far
  std::uint32_t control_size = 0;
  std::array<char, kMaxControl + kPadding> control{};

  [[nodiscard]] bool in_message() const { return kind != Opcode::continuation; }
  // Reads the head of the next frame, which may itself come in pieces; complete once in_frame is set.
  WsError begin_frame(char*& at, char* end, const HeadContext& context);
  // The next bytes of the message.
  WsError append(std::string_view piece, std::size_t max_message);
};

WsError WsDecoder::Partial::begin_frame(char*& at, char* end, const HeadContext& context) {
  WsError error;
  std::size_t size = 0;
  if (head_size == 0) {
    head = {};
    size =
        read_head(reinterpret_cast<const std::uint8_t*>(at), static_cast<std::size_t>(end - at), context, head, error);
    at += size;
  }
  while (size == 0 && error.close == 0 && at != end) {
    head_bytes[head_size++] = static_cast<std::uint8_t>(*at++);
    head = {};
    size = read_head(head_bytes.data(), head_size, context, head, error);
  }
  if (error.close != 0 || size == 0) return error;
  head_size = 0;
  in_frame = true;
  done = 0;
  if (head.opcode == Opcode::text || head.opcode == Opcode::binary) {
    kind = head.opcode;
    packed = head.packed;
  }
  if (!head.control() && ++frames > kFreeFragments + message.size() + packed_size)
    return too_big("a message of far more fragments than bytes");
  return {};
}

WsError WsDecoder::Partial::append(std::string_view piece, std::size_t max_message) {
  if (inflater != nullptr)
    return unpack(*inflater, piece, max_message, kind == Opcode::text ? &utf8 : nullptr, message);
  if (kind == Opcode::text && !packed && !utf8.feed(piece)) return kTextNotUtf8;
  message.append(piece);
  return {};
}

WsDecoder::WsDecoder(WsRole role, std::uint32_t max_message) : max_message_(max_message), role_(role) {}
WsDecoder::~WsDecoder() = default;
WsDecoder::WsDecoder(WsDecoder&&) noexcept = default;
WsDecoder& WsDecoder::operator=(WsDecoder&&) noexcept = default;

void WsDecoder::allow_deflate(InflaterPool& pool, unsigned window_bits, bool takeover) {
  pool_ = &pool;
  window_bits_ = static_cast<std::uint8_t>(window_bits);
  takeover_ = takeover;
}

Inflater* WsDecoder::own_inflater() {
  if (takeover_ && !own_) own_ = std::make_unique<Inflater>(window_bits_);
  return own_.get();
}

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
      const HeadContext context{
          max_message_, packed_limit(max_message_), false, false, pool_ != nullptr, role_ == WsRole::server};
      FrameHead head;
      const std::size_t head_size = read_head(
          reinterpret_cast<const std::uint8_t*>(at), static_cast<std::size_t>(end - at), context, head, error);
      const bool whole = head_size != 0 && head.length <= static_cast<std::uint64_t>(end - at) - head_size;
      if (error.close == 0 && whole && (head.fin || head.control())) {
        char* const payload = at + head_size;
        const auto size = static_cast<std::size_t>(head.length);
        const std::string_view view{payload, size};
        const bool ascii = head.masked && apply_mask(payload, size, head.mask);
        at = payload + size;
        if (head.control()) {
          error = hand_on_control(head.opcode, view, sink, stopped_);
        } else if (head.packed) {
          error = unpack_whole(head.opcode, view, sink);
        } else if (head.opcode == Opcode::text && !ascii && !is_utf8(view)) {
          error = kTextNotUtf8;
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

// A compressed message that is completely in the caller's bytes.
WsError WsDecoder::unpack_whole(Opcode kind, std::string_view packed, WsSink& sink) {
  Inflater* const own = own_inflater();
  std::string message = std::exchange(pool_->space, {}); // the sink may call another decoder of this loop
  message.clear();
  const WsError error =
      unpack_message(own != nullptr ? *own : pool_->whole(), packed, max_message_, kind == Opcode::text, message);
  if (error.close == 0) {
    const std::size_t size = message.size();
    message.append(kPadding, '\0');
    stopped_ = !sink.on_message(kind, std::string_view{message}.substr(0, size));
  }
  pool_->space = std::move(message);
  return error;
}

// One step of a frame or message that spans several calls or fragments.
WsError WsDecoder::feed_partial(char*& at, char* end, WsSink& sink) {
  Partial& p = *partial_;
  if (!p.in_frame) {
    const std::uint64_t room = p.packed ? 0 : max_message_ - p.message.size();
    const HeadContext context{room, packed_limit(max_message_) - p.packed_size, p.in_message(), p.packed,
        pool_ != nullptr, role_ == WsRole::server};
    if (const WsError error = p.begin_frame(at, end, context); error.close != 0 || !p.in_frame) return error;
  }

  const auto size =
      static_cast<std::size_t>(std::min<std::uint64_t>(p.head.length - p.done, static_cast<std::uint64_t>(end - at)));
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

  if (p.packed) {
    if (p.packed_size == 0 && !piece.empty()) {
      p.inflater = own_inflater();
      if (p.inflater == nullptr) p.inflater = p.lent.from(*pool_);
    }
    p.packed_size += piece.size();
  }
  if (const WsError error = p.append(piece, max_message_); error.close != 0) return error;
  return frame_ends && p.head.fin ? end_partial(sink) : WsError{};
}

WsError WsDecoder::end_partial(WsSink& sink) {
  const auto whole = std::move(partial_); // the next message starts afresh
  Partial& p = *whole;
  const bool is_text = p.kind == Opcode::text;
  if (p.inflater != nullptr) {
    if (const WsError error = unpack_end(*p.inflater, max_message_, is_text ? &p.utf8 : nullptr, p.message);
        error.close != 0)
      return error;
  } else if (p.packed) {
    std::string message;
    if (const WsError error = unpack_message(pool_->whole(), p.message, max_message_, is_text, message);
        error.close != 0)
      return error;
    p.message = std::move(message);
  }
  if (is_text && !p.utf8.complete()) return kTextNotUtf8;
  const std::size_t length = p.message.size();
  p.message.append(kPadding, '\0');
  stopped_ = !sink.on_message(p.kind, std::string_view{p.message}.substr(0, length));
  return {};
}

} // namespace foyer::wire

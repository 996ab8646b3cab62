// WebSocket frames and messages (RFC 6455), incremental and without I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/cause.h"

namespace foyer::wire {

class Deflater;
class Inflater;
class InflaterPool;

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// Why a decoder stopped: the close code to send, a sentence, and the cause.
struct WsError {
  std::uint16_t close = 0; // 1002, 1007 or 1009; 0: no error
  Cause cause{};           // PROTOCOL_ERROR, INVALID_UTF8, INVALID_COMPRESSION or MESSAGE_TOO_BIG
  std::string_view what = {};
  bool unmasked_going_away =
      false; // an unmasked Close 1001 without a reason: Caddy before 2.7 sends it when it is reloaded
};

// Receives the decoder's output. Payloads are views into the caller's bytes (unmasked
// in place) or into the decoder's own buffer for messages that came in pieces;
// either way they are followed by at least kPadding readable bytes, and are valid
// during the call only.
class WsSink {
 public:
  virtual ~WsSink() = default;
  // Each returns false to stop decoding (the rest of the bytes is not read).
  virtual bool on_message(Opcode kind, std::string_view payload) = 0; // text (valid UTF-8) or binary
  virtual bool on_ping(std::string_view payload) = 0;
  virtual bool on_pong(std::string_view payload) = 0;
  virtual bool on_close(std::uint16_t code, std::string_view reason) = 0; // 1005: none was sent
};

inline constexpr std::size_t kPadding = 64; // SIMDJSON_PADDING

enum class WsRole : std::uint8_t { server, client }; // our side

// Reads the peer's frames. Allocates nothing between messages (with context
// takeover, a window): an idle connection costs sizeof(WsDecoder).
class WsDecoder {
 public:
  WsDecoder(WsRole role, std::uint32_t max_message);
  ~WsDecoder();
  WsDecoder(WsDecoder&&) noexcept;
  WsDecoder& operator=(WsDecoder&&) noexcept;

  // permessage-deflate was negotiated (RFC 7692): RSV1 marks a compressed message. `pool` outlives
  // this. With takeover this connection has a window of `window_bits`, created with
  // the first compressed message; without, a message may always use 15 bits.
  void allow_deflate(InflaterPool& pool, unsigned window_bits, bool takeover);
  [[nodiscard]] bool unpacks() const { return pool_ != nullptr; } // compressed messages may come

  // `bytes` are changed in place; kPadding bytes behind them must be readable.
  // An unfinished frame is kept inside. After an error or a `false` from the sink
  // the decoder takes no more bytes.
  WsError feed(std::span<char> bytes, WsSink& sink);
  [[nodiscard]] std::size_t buffered() const; // bytes held for an unfinished message

 private:
  struct Partial;
  WsError feed_partial(char*& at, char* end, WsSink& sink);
  WsError end_partial(WsSink& sink);
  WsError unpack_whole(Opcode kind, std::string_view packed, WsSink& sink);
  [[nodiscard]] Inflater* own_inflater();

  std::unique_ptr<Partial> partial_;
  InflaterPool* pool_ = nullptr;  // null: no compression was negotiated
  std::unique_ptr<Inflater> own_; // with takeover, from the first packed message on
  std::uint32_t max_message_;
  WsRole role_;
  bool stopped_ = false;
  bool takeover_ = false;
  std::uint8_t window_bits_ = 15;
};

// Server frames (unmasked): the same bytes for every receiver. `packed`: the payload is a
// whole compressed message; RSV1 is set (RFC 7692 §6).
void append_frame(std::string& out, Opcode opcode, std::string_view payload, bool packed = false);
// Frames a message in place: `out` holds kFrameRoom bytes of any content, followed by the payload.
inline constexpr std::size_t kFrameRoom = 4; // the head of a payload up to 64 KiB
void frame_in_place(std::string& out, Opcode opcode);
// Of a whole message that append_frame wrote.
struct FramedMessage {
  Opcode kind{};
  std::string_view payload;
};
[[nodiscard]] FramedMessage message_of(std::string_view frame);
// Client frames, masked with `mask`.
void append_masked_frame(
    std::string& out, Opcode opcode, std::string_view payload, std::uint32_t mask, bool packed = false);
// A close frame; the reason is truncated to 123 bytes at a character boundary. code 1005: empty payload.
[[nodiscard]] std::string close_payload(std::uint16_t code, std::string_view reason);
[[nodiscard]] bool valid_close_code(std::uint16_t code); // valid on the wire, RFC 6455 §7.4

// Handshake (RFC 6455 §4).
[[nodiscard]] std::string accept_key(std::string_view sec_websocket_key);
[[nodiscard]] bool valid_websocket_key(std::string_view key); // decodes to 16 bytes

} // namespace foyer::wire

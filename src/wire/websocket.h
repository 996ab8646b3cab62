// WebSocket frames and messages (RFC 6455), incremental and without I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace foyer::wire {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// Why a decoder gave up: the close code to send and a sentence.
struct WsError {
  std::uint16_t close = 0; // 1002, 1007 or 1009; 0: no error
  std::string_view what;
};

// What a decoder hands on. Payloads are views into the caller's bytes (unmasked
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
  virtual bool on_close(std::uint16_t code, std::string_view reason) = 0; // 1005: none was given
};

inline constexpr std::size_t kPadding = 64; // SIMDJSON_PADDING

enum class WsRole : std::uint8_t { server, client }; // which end we are

// Reads what the other end sends. Owns no memory between messages: an idle
// connection costs sizeof(WsDecoder).
class WsDecoder {
 public:
  WsDecoder(WsRole role, std::uint32_t max_message);
  ~WsDecoder();
  WsDecoder(WsDecoder&&) noexcept;
  WsDecoder& operator=(WsDecoder&&) noexcept;

  // `bytes` are changed in place; kPadding bytes behind them must be readable.
  // An unfinished frame is kept inside. After an error or a `false` from the sink
  // the decoder takes nothing more.
  WsError feed(std::span<char> bytes, WsSink& sink);
  [[nodiscard]] std::size_t buffered() const; // bytes held for an unfinished message

 private:
  struct Partial;
  WsError feed_partial(char*& at, char* end, WsSink& sink);

  std::unique_ptr<Partial> partial_;
  std::uint32_t max_message_;
  WsRole role_;
  bool stopped_ = false;
};

// Server frames (unmasked): the same bytes for every receiver.
void append_frame(std::string& out, Opcode opcode, std::string_view payload);
// Client frames, masked with `mask`.
void append_masked_frame(std::string& out, Opcode opcode, std::string_view payload, std::uint32_t mask);
// A close frame; the reason is cut to 123 bytes at a character boundary. code 1005: empty payload.
[[nodiscard]] std::string close_payload(std::uint16_t code, std::string_view reason);
[[nodiscard]] bool valid_close_code(std::uint16_t code); // on the wire, RFC 6455 §7.4

// Handshake (RFC 6455 §4).
[[nodiscard]] std::string accept_key(std::string_view sec_websocket_key);
[[nodiscard]] bool valid_websocket_key(std::string_view key); // decodes to 16 bytes

} // namespace foyer::wire

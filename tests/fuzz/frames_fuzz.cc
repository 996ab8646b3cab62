// WebSocket frames. The first byte says which end reads and how the rest is cut.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "feed_frames.h"
#include "fuzz.h"
#include "wire/websocket.h"

using namespace foyer::wire;

namespace {

constexpr std::uint32_t kMax = 2000;

class Log final : public WsSink {
 public:
  bool on_message(Opcode kind, std::string_view payload) override {
    invariant(payload.size() <= kMax, "a message is within its limit");
    invariant(kind == Opcode::text || kind == Opcode::binary, "a message is text or binary");
    invariant(kind != Opcode::text || foyer::is_utf8(payload), "text is UTF-8");
    return note(kind == Opcode::text ? 't' : 'b', payload);
  }
  bool on_ping(std::string_view payload) override { return control('p', payload); }
  bool on_pong(std::string_view payload) override { return control('q', payload); }
  bool on_close(std::uint16_t code, std::string_view reason) override {
    invariant(code == 1005 || valid_close_code(code), "a close code may be sent");
    invariant(foyer::is_utf8(reason) && reason.size() <= 123, "a close reason is UTF-8, and short");
    return note('c', std::to_string(code).append(reason));
  }
  std::string seen;

 private:
  bool control(char what, std::string_view payload) {
    invariant(payload.size() <= 125, "a control frame is short");
    return note(what, payload);
  }
  bool note(char what, std::string_view payload) {
    seen.push_back(what);
    seen.append(std::to_string(payload.size())).append(payload);
    return true;
  }
};

struct Outcome {
  std::string seen;
  std::uint16_t error = 0;
};

Outcome decode(std::string_view input, WsRole role, std::size_t step) {
  Log log;
  WsDecoder decoder(role, kMax);
  Outcome outcome;
  outcome.error = foyer::fuzz::feed_frames(decoder, log, input, step, kMax);
  outcome.seen = std::move(log.seen);
  return outcome;
}

} // namespace

FUZZER(frames) {
  foyer::fuzz::Bytes bytes(input);
  const std::uint8_t how = bytes.byte();
  const WsRole role = (how & 1U) != 0 ? WsRole::server : WsRole::client;
  const std::size_t step = 1U + (how >> 1U) % 64U;
  const std::string_view stream = bytes.rest();
  const Outcome whole = decode(stream, role, stream.size() + 1);
  const Outcome cut = decode(stream, role, step);
  invariant(whole.error == cut.error, "the error does not depend on the cuts");
  invariant(whole.seen == cut.seen, "the messages do not depend on the cuts");
  invariant(whole.error == 0 || whole.error == 1002 || whole.error == 1007 || whole.error == 1009,
      "an error has a close code");

  // What we write, the other end reads.
  std::string out;
  append_masked_frame(out, Opcode::binary, stream.substr(0, kMax), 0x1d0ba5e5);
  const Outcome back = decode(out, WsRole::server, step);
  invariant(back.error == 0 &&
          back.seen ==
              "b" + std::to_string(std::min<std::size_t>(stream.size(), kMax)) + std::string{stream.substr(0, kMax)},
      "a frame that we wrote can be read");
}

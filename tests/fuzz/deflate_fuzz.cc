// Compressed messages (RFC 7692). The first byte says what was agreed on, the second how
// the bytes are cut and what the rest is: frames as they stand, packed messages, or
// payloads to be packed here.
//
// Whatever comes: the cuts do not matter, no message and no memory goes over the limit,
// what zlib alone makes of a message is what arrives, and what we pack is unpacked.
#define ZLIB_CONST
#include <zlib.h>

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "feed_frames.h"
#include "fuzz.h"
#include "wire/deflate.h"
#include "wire/websocket.h"

using namespace foyer::wire;

namespace {

constexpr std::uint32_t kMax = 2000;
constexpr int kMessages = 6;

struct Agreement {
  unsigned window_bits = 15;
  bool takeover = false;
  WsRole role = WsRole::server;
};

class Log final : public WsSink {
 public:
  bool on_message(Opcode kind, std::string_view payload) override {
    invariant(payload.size() <= kMax, "a message is within its limit when unpacked");
    invariant(kind != Opcode::text || foyer::is_utf8(payload), "text is UTF-8");
    seen.emplace_back(payload);
    return true;
  }
  bool on_ping(std::string_view payload) override { return control(payload); }
  bool on_pong(std::string_view payload) override { return control(payload); }
  bool on_close(std::uint16_t, std::string_view reason) override { return control(reason); }
  std::vector<std::string> seen;

 private:
  bool control(std::string_view payload) {
    invariant(payload.size() <= 125, "a control frame is short and not packed");
    seen.push_back("control " + std::string(payload));
    return true;
  }
};

struct Outcome {
  std::vector<std::string> seen;
  std::uint16_t error = 0;
};

Outcome decode(std::string_view input, const Agreement& agreed, std::size_t step) {
  static InflaterPool pool;
  Log log;
  WsDecoder decoder(agreed.role, kMax);
  decoder.allow_deflate(pool, agreed.window_bits, agreed.takeover);
  Outcome outcome;
  outcome.error = foyer::fuzz::feed_frames(decoder, log, input, step, kMax);
  outcome.seen = std::move(log.seen);
  return outcome;
}

Outcome decode_both_ways(std::string_view input, const Agreement& agreed, std::size_t step) {
  Outcome whole = decode(input, agreed, input.size() + 1);
  const Outcome cut = decode(input, agreed, step);
  // Whoever reaches back beyond the window that was agreed on may be caught at it or not,
  // as what it asks for is still at hand.
  const bool too_far = agreed.takeover && agreed.window_bits < 15 && (whole.error == 1007) != (cut.error == 1007);
  if (too_far) return whole;
  invariant(whole.error == cut.error, "the error does not depend on the cuts");
  invariant(whole.seen == cut.seen, "the messages do not depend on the cuts");
  invariant(whole.error == 0 || whole.error == 1002 || whole.error == 1007 || whole.error == 1009,
      "an error has a close code");
  return whole;
}

// A message in fragments of `piece` bytes; RSV1 on the first only.
void append_message(std::string& out, WsRole to, std::string_view payload, bool packed, std::size_t piece) {
  std::string frame;
  for (bool first = true; first || !payload.empty(); first = false) {
    const auto part = payload.substr(0, piece);
    payload.remove_prefix(part.size());
    frame.clear();
    const Opcode opcode = first ? Opcode::binary : Opcode::continuation;
    if (to == WsRole::server)
      append_masked_frame(frame, opcode, part, 0x1d0ba5e5, packed && first);
    else
      append_frame(frame, opcode, part, packed && first);
    if (!payload.empty()) frame[0] = static_cast<char>(frame[0] & 0x7f); // not the last
    out += frame;
  }
}

// zlib alone, one stream for all messages or one for each.
class Reference {
 public:
  enum class Says : std::uint8_t { message, bad, too_big, unsure };
  explicit Reference(const Agreement& agreed) : takeover_(agreed.takeover) {
    inflateInit2(&z_, agreed.takeover ? -static_cast<int>(agreed.window_bits) : -15);
  }
  ~Reference() { inflateEnd(&z_); }
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;

  Says read(std::string_view packed, std::string& message) {
    if (!takeover_) inflateReset(&z_);
    message.clear();
    if (packed.empty()) return Says::message;
    const std::string input = std::string(packed).append(kMessageTail);
    z_.next_in = reinterpret_cast<const Bytef*>(input.data());
    z_.avail_in = static_cast<uInt>(input.size());
    std::string space(kMax + 1, '\0');
    z_.next_out = reinterpret_cast<Bytef*>(space.data());
    z_.avail_out = static_cast<uInt>(space.size());
    const int result = inflate(&z_, Z_SYNC_FLUSH);
    if (result == Z_STREAM_END) return Says::unsure; // what follows the last block is our affair
    if (z_.avail_out == 0) return Says::too_big;
    if (result == Z_DATA_ERROR)
      return std::string_view(z_.msg).find("too far back") != std::string_view::npos ? Says::unsure : Says::bad;
    if (z_.avail_in != 0) return Says::unsure;
    message = space.substr(0, space.size() - z_.avail_out);
    return Says::message;
  }

 private:
  z_stream z_{};
  bool takeover_;
};

void packed_messages(foyer::fuzz::Bytes& bytes, const Agreement& agreed, std::size_t step) {
  std::string wire;
  std::vector<std::string> packed;
  while (!bytes.empty() && packed.size() < kMessages) {
    packed.emplace_back(bytes.text());
    append_message(wire, agreed.role, packed.back(), true, 1 + step * 3);
  }
  const Outcome outcome = decode_both_ways(wire, agreed, step);
  Reference reference(agreed);
  for (std::size_t i = 0; i < packed.size(); ++i) {
    std::string message;
    const auto says = reference.read(packed[i], message);
    if (says == Reference::Says::unsure) return;
    const bool arrived = i < outcome.seen.size();
    if (says == Reference::Says::message && arrived) {
      invariant(outcome.seen[i] == message, "what zlib makes of a message is what arrives");
      continue;
    }
    invariant(!arrived, "what zlib does not take does not arrive");
    invariant(outcome.error != 0, "and is said to be wrong");
    if (says == Reference::Says::too_big)
      invariant(outcome.error == 1009 || (agreed.takeover && agreed.window_bits < 15),
          "a message that is too big when unpacked is 1009");
    return;
  }
  invariant(outcome.error == 0 && outcome.seen.size() == packed.size(), "what zlib takes arrives");
}

void payloads(foyer::fuzz::Bytes& bytes, Agreement agreed, std::size_t step) {
  agreed.window_bits = std::max(agreed.window_bits, 9U);
  Deflater deflater(agreed.window_bits, agreed.takeover ? Deflater::Context::takeover : Deflater::Context::none);
  std::string wire;
  std::vector<std::string> sent;
  while (!bytes.empty() && sent.size() < kMessages) {
    std::string payload;
    const int times = 1 + bytes.byte() % 16;
    const auto text = bytes.text();
    for (int i = 0; i < times && payload.size() + text.size() <= kMax; ++i) payload += text;
    std::string packed;
    const bool is_packed = deflater.pack(payload, packed);
    invariant(!is_packed || packed.size() < payload.size(), "what is packed is shorter");
    append_message(wire, agreed.role, is_packed ? packed : payload, is_packed, 1 + step * 7);
    sent.push_back(std::move(payload));
  }
  const Outcome outcome = decode_both_ways(wire, agreed, step);
  invariant(outcome.error == 0 && outcome.seen == sent, "what we pack is unpacked");
}

} // namespace

FUZZER(deflate) {
  foyer::fuzz::Bytes bytes(input);
  const std::uint8_t agreed_on = bytes.byte();
  const std::uint8_t how = bytes.byte();
  const Agreement agreed{.window_bits = 8U + agreed_on % 8U,
      .takeover = (agreed_on & 8U) != 0,
      .role = (agreed_on & 16U) != 0 ? WsRole::client : WsRole::server};
  const std::size_t step = 1U + how / 4U;
  switch (how % 4U) {
    case 0: decode_both_ways(bytes.rest(), agreed, step); break;
    case 1: payloads(bytes, agreed, step); break;
    default: packed_messages(bytes, agreed, step);
  }
}

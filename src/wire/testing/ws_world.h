// Common parts of the frame decoder's tests: a sink that records what it
// receives, and one input decoded whole, split at every byte, and byte by byte.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/deflate.h"
#include "wire/websocket.h"

namespace foyer::wire {

// Records what it receives: "text:Hello", "ping:x", "close:1000:bye".
class Recorder : public WsSink {
 public:
  bool on_message(Opcode kind, std::string_view payload) override {
    return note((kind == Opcode::text ? "text:" : "binary:") + std::string{payload}, payload);
  }
  bool on_ping(std::string_view payload) override { return note("ping:" + std::string{payload}, payload); }
  bool on_pong(std::string_view payload) override { return note("pong:" + std::string{payload}, payload); }
  bool on_close(std::uint16_t code, std::string_view reason) override {
    return note("close:" + std::to_string(code) + ":" + std::string{reason}, reason);
  }
  std::vector<std::string> seen;
  std::size_t stop_after = 1000;

 private:
  bool note(std::string text, std::string_view payload) {
    int padding = 0; // must be readable; AddressSanitizer watches
    if (!payload.empty())
      for (std::size_t i = 0; i < kPadding; ++i) padding += payload.data()[payload.size() + i];
    unused = padding;
    seen.push_back(std::move(text));
    return seen.size() < stop_after;
  }
  int unused = 0;
};

struct Outcome {
  std::vector<std::string> seen;
  std::uint16_t error = 0;
  std::size_t buffered = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

inline std::ostream& operator<<(std::ostream& out, const Outcome& o) {
  for (const auto& s : o.seen) out << s.substr(0, 80) << " | ";
  return out << "error " << o.error << ", buffered " << o.buffered;
}

inline constexpr std::uint32_t kMax = 1000;

// The negotiated compression of a decoder, if any.
struct Agreed {
  unsigned window_bits = 0; // 0: none
  bool takeover = false;
};
inline constexpr Agreed kNoDeflate{};
inline constexpr Agreed kDeflate{.window_bits = 15};
inline constexpr Agreed kTakeover{.window_bits = 15, .takeover = true};

inline Outcome decode(
    const std::vector<std::string_view>& pieces, WsRole role = WsRole::server, Agreed agreed = kNoDeflate) {
  Recorder sink;
  InflaterPool pool;
  WsDecoder decoder(role, kMax);
  if (agreed.window_bits != 0) decoder.allow_deflate(pool, agreed.window_bits, agreed.takeover);
  Outcome outcome;
  for (const std::string_view piece : pieces) {
    std::vector<char> bytes(piece.begin(), piece.end()); // its own heap block: reading beyond the padding is detected
    bytes.resize(piece.size() + kPadding);
    const WsError error = decoder.feed({bytes.data(), piece.size()}, sink);
    if (error.close != 0) outcome.error = error.close;
  }
  outcome.seen = std::move(sink.seen);
  outcome.buffered = decoder.buffered();
  return outcome;
}

inline void expect_at_every_cut(
    const std::string& input, const Outcome& expected, WsRole role = WsRole::server, Agreed agreed = kNoDeflate) {
  const std::string_view view = input;
  for (std::size_t cut = 0; cut <= input.size(); ++cut)
    ASSERT_EQ(decode({view.substr(0, cut), view.substr(cut)}, role, agreed), expected) << "cut at " << cut;
  std::vector<std::string_view> single;
  for (std::size_t i = 0; i < input.size(); ++i) single.push_back(view.substr(i, 1));
  ASSERT_EQ(decode(single, role, agreed), expected) << "byte by byte";
}

inline std::string bytes(std::initializer_list<int> list) {
  std::string out;
  for (const int b : list) out.push_back(static_cast<char>(b));
  return out;
}

// A client's frame in which every field can be wrong.
inline std::string frame(int first, std::string_view payload, std::uint32_t mask = 0x01020304) {
  std::string out;
  append_masked_frame(out, Opcode::text, payload, mask);
  out[0] = static_cast<char>(first);
  return out;
}

} // namespace foyer::wire

// What a loop of the gateway compresses (permessage-deflate, RFC 7692).
//
// A publication is framed once for everybody; its compressed twin is made once per loop
// and window, when the first receiver wants it, and shared by all receivers that take no
// context over. Who does has a window of its own and is compressed for alone.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/metrics.h"
#include "gateway/policy.h"
#include "wire/deflate.h"
#include "wire/extensions.h"
#include "wire/websocket.h"

namespace foyer::gateway {

// How one connection sends. 16 bytes where nothing was agreed on.
struct SendTerms {
  std::unique_ptr<wire::Deflater> own = {}; // with takeover, from the first message on
  std::uint8_t bits = 0;                    // the window, 9 to 15; 0: everything goes out as it is
  bool takeover = false;
};

class Compression {
 public:
  Compression(const CompressionPolicy& policy, Metrics& metrics);

  // What the 101 says about extensions; empty: nothing is agreed on. `offers` is the
  // request's Sec-WebSocket-Extensions.
  [[nodiscard]] std::string agree(
      std::string_view offers, std::string_view user_agent, SendTerms& send, wire::WsDecoder& receive);

  // The frame to send instead of `frame`, a whole message of ours; itself where that is as good.
  [[nodiscard]] SharedBytes pack(const SharedBytes& frame, SendTerms& terms);
  // Appends a message as one frame.
  void append_message(std::string& out, wire::Opcode kind, std::string_view payload, SendTerms& terms);

 private:
  [[nodiscard]] bool worth_it(std::size_t size) const { return size >= policy_.min_bytes && size <= policy_.max_bytes; }
  [[nodiscard]] bool pack_payload(std::string_view payload, SendTerms& terms); // into packed_
  [[nodiscard]] SharedBytes packed_frame(const SharedBytes& frame, SendTerms& terms);

  const CompressionPolicy& policy_;
  Counter& messages_;
  Counter& saved_;
  wire::InflaterPool inflaters_;
  std::array<std::unique_ptr<wire::Deflater>, 16> deflaters_; // by window, from the first message on
  SharedBytes plain_;                                         // the frame whose twins these are
  std::array<SharedBytes, 16> twins_;                         // by window
  std::string packed_;
};

} // namespace foyer::gateway

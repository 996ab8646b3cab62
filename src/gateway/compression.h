// Compression of one loop of the gateway (permessage-deflate, RFC 7692).
//
// A publication is framed once for all receivers; its compressed form is made once per loop
// and window, for the first receiver that needs it, and shared by all receivers without
// context takeover. A receiver with takeover has a window of its own, and is compressed for separately.
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

// How one connection sends. 16 bytes when nothing was negotiated.
struct SendTerms {
  std::unique_ptr<wire::Deflater> own = {}; // with takeover, from the first message on
  std::uint8_t bits = 0;                    // the window, 9 to 15; 0: everything is sent uncompressed
  bool takeover = false;
};

class Compression {
 public:
  Compression(const CompressionPolicy& policy, Metrics& metrics);

  // The extensions in the 101; empty: none. `offers` is the
  // request's Sec-WebSocket-Extensions.
  [[nodiscard]] std::string agree(
      std::string_view offers, std::string_view user_agent, SendTerms& send, wire::WsDecoder& receive);

  // The frame to send for `frame`, a whole message of ours; `frame` itself where compression does not help.
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
  SharedBytes plain_;                                         // the frame that the compressed forms belong to
  std::array<SharedBytes, 16> twins_;                         // by window
  std::string packed_;
};

} // namespace foyer::gateway

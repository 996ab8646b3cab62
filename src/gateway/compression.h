// Compression of one loop of the gateway (permessage-deflate, RFC 7692).
//
// A publication is framed once for all receivers. Its compressed form is made once for each loop and window size, when
// the first receiver needs it, and is shared by all receivers without context takeover. A receiver with takeover has a
// compression context of its own, so its frames are compressed separately.
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

// What one connection negotiated for sending. 16 bytes if nothing was negotiated.
struct SendTerms {
  std::unique_ptr<wire::Deflater> own = {}; // the context of a connection with takeover; created with its first message
  std::uint8_t bits = 0;                    // the window, 9 to 15; 0: everything is sent uncompressed
  bool takeover = false;
};

class Compression {
 public:
  Compression(const CompressionPolicy& policy, Metrics& metrics);

  // Negotiates (RFC 7692 §5.1). `offers`: the request's Sec-WebSocket-Extensions. Returns the header's value for the
  // 101; empty: no extension.
  [[nodiscard]] std::string agree(
      std::string_view offers, std::string_view user_agent, SendTerms& send, wire::WsDecoder& receive);

  // The compressed form of `frame`, which holds one whole message; `frame` itself if compression does not help.
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
  std::array<std::unique_ptr<wire::Deflater>, 16> deflaters_; // by window size; created with the first message
  SharedBytes plain_;                                         // the frame that twins_ are the compressed forms of
  std::array<SharedBytes, 16> twins_;                         // by window size
  std::string packed_;
};

} // namespace foyer::gateway

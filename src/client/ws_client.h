// A WebSocket client for our own tools (RFC 6455, client side). A refused
// handshake is returned whole, because it contains the cause.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/http.h"
#include "client/link.h"
#include "exec/control.h"
#include "wire/url.h"

namespace foyer::client {

struct WsOptions {
  Headers headers;                       // in addition to the handshake's own
  std::vector<std::string> subprotocols; // offered, in order of preference
  Millis timeout{10'000};                // from the start to the 101
  std::uint32_t max_message = 1024 * 1024;
  TlsOptions tls;
};

struct WsFailure {
  NetError error;
  std::optional<Response> answer; // the answer in place of a valid 101
};

// All calls and events on the plane's thread. Pings are answered here.
class WsClient {
 public:
  struct Events {
    std::function<void(const Response&)> opened; // the 101 with its headers
    std::function<void(WsFailure)> failed;       // it never opened
    std::function<void(std::string_view)> text;
    std::function<void(std::string_view)> binary;
    // Last call after `opened`: the code of the peer's Close, 1005 without a code, 1006 without
    // a Close, or the code of the fault that we found (1002, 1007, 1009).
    std::function<void(std::uint16_t code, std::string_view reason)> closed;
  };

  WsClient(
      exec::ControlPlane& plane, Entropy& entropy, const wire::Url& url, WsOptions options, Events events); // connects
  ~WsClient(); // aborts; no event follows
  WsClient(const WsClient&) = delete;
  WsClient& operator=(const WsClient&) = delete;

  void send_text(std::string_view text);
  void close(std::uint16_t code, std::string_view reason); // waits up to 2 s for the peer's Close
  [[nodiscard]] std::uint64_t received() const;            // bytes so far: shows whether the peer is alive

 private:
  struct Session;
  std::shared_ptr<Session> session_;
};

} // namespace foyer::client

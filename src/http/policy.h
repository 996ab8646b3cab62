// The settings of HTTP connections. Options of config/table.h point here.
#pragma once

#include <cstddef>

#include "base/clock.h"
#include "http/client_address.h"
#include "wire/http_limits.h"

namespace foyer::http {

// Settings that apply before and after an upgrade.
struct SocketPolicy {
  Millis drain_timeout{8'000};
  Millis close_linger{1'000}; // reading continues after the last bytes were sent, so that a reset cannot destroy them
  std::size_t outbox_bytes =
      1024 * 1024; // send queue of a client; above it no request is read and no message is queued
};

struct Policy : SocketPolicy {
  wire::HttpLimits limits;
  ProxyTrust trusted_proxies;
  Millis header_timeout{10'000};
  Millis body_timeout{20'000};
  Millis request_timeout{30'000};
  Millis keep_alive_timeout{75'000};
  Millis write_timeout{30'000};  // an answer is abandoned if the client receives nothing of it for so long
  Millis refused_timeout{2'000}; // how long a socket beyond a limit is read before it is closed
};

} // namespace foyer::http

// How HTTP connections behave. Options of config/table.h point here.
#pragma once

#include <cstddef>

#include "base/clock.h"
#include "http/client_address.h"
#include "wire/http_limits.h"

namespace foyer::http {

// What a client's connection obeys before and after an upgrade alike.
struct SocketPolicy {
  Millis drain_timeout{8'000};
  Millis close_linger{1'000};             // reading on after the last bytes, so that a reset cannot destroy them
  std::size_t outbox_bytes = 1024 * 1024; // queued for the client: beyond it no request is read and no message queued
};

struct Policy : SocketPolicy {
  wire::HttpLimits limits;
  ProxyTrust trusted_proxies;
  Millis header_timeout{10'000};
  Millis body_timeout{20'000};
  Millis request_timeout{30'000};
  Millis keep_alive_timeout{75'000};
  Millis write_timeout{30'000};  // an answer of which nothing is taken for so long is given up
  Millis refused_timeout{2'000}; // how long a socket is read from that can only be told that there is no place
};

} // namespace foyer::http

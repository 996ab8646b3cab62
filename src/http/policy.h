// How an HTTP server behaves, and what it stands on: shared by all its loops, immutable or thread safe, and outliving
// them.
#pragma once

#include "admission/address_limits.h"
#include "admission/limits.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http/client_address.h"
#include "http/router.h"
#include "observe/refusals.h"
#include "wire/http_parser.h"

namespace foyer::http {

struct Policy {
  wire::HttpLimits limits;
  ProxyTrust trusted_proxies;
  bool reveal = false; // ENVIRONMENT=development: clients get the operator's text, too
  Millis header_timeout{10'000};
  Millis body_timeout{20'000};
  Millis request_timeout{30'000};
  Millis keep_alive_timeout{75'000};
  Millis write_timeout{30'000}; // an answer of which nothing is taken for so long is given up
  Millis drain_timeout{8'000};
  Millis refused_timeout{2'000};          // how long a socket is read from that can only be told that there is no place
  Millis close_linger{1'000};             // reading on after the last answer, so that a reset cannot destroy it
  std::size_t outbox_bytes = 1024 * 1024; // answers that wait; beyond it no further request is read
};

struct Deps {
  const Clock& clock;
  Entropy& entropy;
  Log& log;
  Metrics& metrics;
  const Router& router;
  observe::RefusalReporter& reporter;
  admission::AddressLimits& addresses;
  admission::AddressLimits& plain_gets; // of socket paths: their own limit
  admission::ConnectionLimits& limits;
  Executor& control; // where handlers of routes run
};

} // namespace foyer::http

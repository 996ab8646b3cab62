// Dependencies of an HTTP server: shared by all its loops, immutable or thread safe, and outliving them.
#pragma once

#include "admission/address_limits.h"
#include "admission/limits.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http/policy.h"
#include "http/router.h"
#include "observe/refusals.h"

namespace foyer::http {

struct Deps {
  const Clock& clock;
  Entropy& entropy;
  Log& log;
  Metrics& metrics;
  const Router& router;
  observe::RefusalReporter& reporter;
  admission::AddressLimits& addresses;
  admission::AddressLimits& plain_gets; // for plain GETs on socket paths, which have a limit of their own
  admission::ConnectionLimits& limits;
  Executor& control; // runs the handlers of routes
};

} // namespace foyer::http

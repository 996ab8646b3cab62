// Limits on what one server admits: the counts that its doors share, in the metrics of
// base/limit_metrics.h.
#pragma once

#include "admission/address_limits.h"
#include "admission/limits.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "config/options.h"

namespace foyer::app {

class Limits {
 public:
  Limits(const config::Config& config, Entropy& entropy, Metrics& metrics);

 private:
  admission::AddressPolicy rules_; // the address policy before it is adjusted

 public:
  admission::AddressLimits addresses;
  admission::AddressLimits plain_gets; // on the paths of sockets
  admission::UserConnections users;
  admission::ConnectionLimits connections;
  // Separate limits for the metrics port, so that a flood of the other port does not lock out monitoring.
  admission::AddressLimits metrics_addresses;
  admission::ConnectionLimits metrics_connections;
};

} // namespace foyer::app

// The limits that all doors of one server share, with the metrics of base/limit_metrics.h.
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
  admission::AddressPolicy rules_; // the configured address policy

 public:
  admission::AddressLimits addresses;
  admission::AddressLimits plain_gets; // plain GETs on the paths of sockets
  admission::UserConnections users;
  admission::ConnectionLimits connections;
  // The metrics port has limits of its own, so that a flood on the main port does not lock out monitoring.
  admission::AddressLimits metrics_addresses;
  admission::ConnectionLimits metrics_connections;
};

} // namespace foyer::app

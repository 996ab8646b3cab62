// How much is let in at a time, and by whom: the counts that the doors of one server share, in the metrics of
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
  admission::AddressPolicy rules_; // before what is made of them

 public:
  admission::AddressLimits addresses;
  admission::AddressLimits plain_gets; // on the paths of sockets
  admission::UserConnections users;
  admission::ConnectionLimits connections;
  // What watches this process is not kept out by those who flood the other port.
  admission::AddressLimits metrics_addresses;
  admission::ConnectionLimits metrics_connections;
};

} // namespace foyer::app

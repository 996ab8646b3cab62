// What every part of a running node shares; outlives them all.
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "config/options.h"
#include "exec/control.h"
#include "observe/build_info.h"

namespace foyer::app {

struct Runtime {
  const config::Config& config;
  const Clock& clock;
  Entropy& entropy;
  Log& log;
  Metrics& metrics;
  const observe::BuildInfo& build;
  exec::ControlPlane& control;
  MonoTime began{}; // before its port was open
};

} // namespace foyer::app

// Limits of the system or of a database, in the metrics of base/limit_metrics.h.
#pragma once

#include <cstdint>
#include <memory>

#include "base/metrics.h"
#include "io/listener.h"

namespace foyer::cli {

// accept_backlog. Reports nothing once the listener is closed.
void report_accept_queue(Metrics& metrics, const std::weak_ptr<io::Listener>& listener);
// open_files: descriptors of the process, and RLIMIT_NOFILE at startup.
void report_open_files(Metrics& metrics);

} // namespace foyer::cli

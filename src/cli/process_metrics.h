// The metrics that Prometheus' client libraries report for every process, and
// the build.
#pragma once

#include "base/clock.h"
#include "base/metrics.h"
#include "observe/build_info.h"

namespace foyer::cli {

// process_cpu_seconds_total, process_open_fds, process_max_fds, process_threads,
// process_virtual_memory_bytes, process_resident_memory_bytes, process_start_time_seconds.
void report_process(Metrics& metrics, WallTime started);

// foyer_build_info{version,build,environment} 1
void report_build(Metrics& metrics, const observe::BuildInfo& build);

[[nodiscard]] double open_files(); // descriptors of this process

} // namespace foyer::cli

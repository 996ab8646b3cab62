#include "cli/process_metrics.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

namespace foyer::cli {
namespace {

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double max_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

// proc(5): size and resident in pages are the first two numbers.
double memory(bool resident) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/proc/self/statm", "re"), std::fclose);
  unsigned long long size = 0;
  unsigned long long in_memory = 0;
  if (!file || std::fscanf(file.get(), "%llu %llu", &size, &in_memory) != 2) return 0;
  return static_cast<double>(resident ? in_memory : size) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double entries_of(const char* directory) {
  std::error_code error;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) ++count;
  return static_cast<double>(count);
}

} // namespace

double open_files() {
  // Linux 6.2 and later report the number as the size of the directory.
  struct stat about{};
  if (::stat("/proc/self/fd", &about) == 0 && about.st_size > 0) return static_cast<double>(about.st_size);
  return entries_of("/proc/self/fd");
}

void report_process(Metrics& metrics, WallTime started) {
  metrics.counter_callback(
      "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", cpu_seconds);
  metrics.gauge_callback("process_open_fds", "Number of open file descriptors.", open_files);
  metrics.gauge_callback("process_max_fds", "Maximum number of open file descriptors.", max_files);
  metrics.gauge_callback(
      "process_threads", "Number of OS threads in the process.", [] { return entries_of("/proc/self/task"); });
  metrics.gauge_callback("process_virtual_memory_bytes", "Virtual memory size in bytes.", [] { return memory(false); });
  metrics.gauge_callback(
      "process_resident_memory_bytes", "Resident memory size in bytes.", [] { return memory(true); });
  const double seconds = static_cast<double>(unix_millis(started)) / 1e3;
  metrics.gauge_callback("process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
      [seconds] { return seconds; });
}

void report_build(Metrics& metrics, const observe::BuildInfo& build) {
  Labels labels{{"version", build.version}, {"build", build.build}, {"environment", build.environment}};
  metrics.gauge("foyer_build_info", "Always 1; the labels name the build and the environment.", std::move(labels))
      .set(1);
}

} // namespace foyer::cli

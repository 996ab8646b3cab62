#include "cli/process_limits.h"

#include <sys/resource.h>

#include "base/limit_metrics.h"
#include "cli/process_metrics.h"

namespace foyer::cli {

void report_accept_queue(Metrics& metrics, const std::weak_ptr<io::Listener>& listener) {
  const auto now = [listener] {
    const auto open = listener.lock();
    return open ? open->queue() : io::Listener::Queue{};
  };
  report_limit(metrics, "accept_backlog", now().limit, [now] { return now().waiting; });
  metrics.counter_callback("foyer_limit_refused_total", "Requests rejected because a limit of the process was reached.",
      [now] { return now().dropped; }, {{"limit", "accept_backlog"}});
}

void report_open_files(Metrics& metrics) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  report_limit(metrics, "open_files", static_cast<double>(limit.rlim_cur), open_files);
}

} // namespace foyer::cli

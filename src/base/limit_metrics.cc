#include "base/limit_metrics.h"

#include <string>
#include <utility>

namespace foyer {
namespace {

constexpr std::string_view kUsed = "foyer_limit_used";
constexpr std::string_view kUsedHelp = "Current usage of each limit.";

Labels label(std::string_view limit) { return {{"limit", std::string(limit)}}; }

void report_max(Metrics& metrics, std::string_view limit, double max) {
  metrics.gauge_callback("foyer_limit_max", "Value of each limit.", [max] { return max; }, label(limit));
}

} // namespace

void report_limit(Metrics& metrics, std::string_view limit, double max, std::function<double()> used) {
  metrics.gauge_callback(kUsed, kUsedHelp, std::move(used), label(limit));
  report_max(metrics, limit, max);
}

Gauge& limit_gauge(Metrics& metrics, std::string_view limit, double max) {
  report_max(metrics, limit, max);
  return metrics.gauge(kUsed, kUsedHelp, label(limit));
}

Counter& limit_refusals(Metrics& metrics, std::string_view limit) {
  return metrics.counter(
      "foyer_limit_refused_total", "Requests rejected because a limit of the process was reached.", label(limit));
}

} // namespace foyer

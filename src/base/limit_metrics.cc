#include "base/limit_metrics.h"

#include <string>
#include <utility>

namespace foyer {
namespace {

constexpr std::string_view kUsed = "foyer_limit_used";
constexpr std::string_view kUsedHelp = "How much of what the process has a limit for is taken.";

Labels label(std::string_view limit) { return {{"limit", std::string(limit)}}; }

void report_max(Metrics& metrics, std::string_view limit, double max) {
  metrics.gauge_callback(
      "foyer_limit_max", "How much there is of what the process has a limit for.", [max] { return max; }, label(limit));
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
  return metrics.counter("foyer_limit_refused_total",
      "How often somebody was refused because a limit of the process was reached.", label(limit));
}

} // namespace foyer

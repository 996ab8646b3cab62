// One scheme for every limit in the process:
//
//   foyer_limit_used{limit}           how much of it is taken
//   foyer_limit_max{limit}            how much there is
//   foyer_limit_refused_total{limit}  requests rejected because the limit was reached
//
// The label is the name of the option, or the name of a fixed limit in
// docs/limits.md. Limits of a single connection have no series of their own:
// their codes are counted in foyer_refusals_total.
#pragma once

#include <functional>
#include <string_view>

#include "base/metrics.h"

namespace foyer {

// `used` is called when the metrics are read, from any thread.
void report_limit(Metrics& metrics, std::string_view limit, double max, std::function<double()> used);
// For a limit whose owner sets the current use.
[[nodiscard]] Gauge& limit_gauge(Metrics& metrics, std::string_view limit, double max);
[[nodiscard]] Counter& limit_refusals(Metrics& metrics, std::string_view limit);

// All three, for a table that is filled and emptied by one thread.
class LimitMeter {
 public:
  LimitMeter(Metrics& metrics, std::string_view limit, std::size_t max)
      : used_(limit_gauge(metrics, limit, static_cast<double>(max))),
        refused_(limit_refusals(metrics, limit)) {}
  void used(std::size_t count) noexcept { used_.set(static_cast<std::int64_t>(count)); }
  void refused() noexcept { refused_.add(); }

 private:
  Gauge& used_;
  Counter& refused_;
};

} // namespace foyer

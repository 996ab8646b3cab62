// One scheme for everything in the process that can be full:
//
//   foyer_limit_used{limit}           how much of it is taken
//   foyer_limit_max{limit}            how much there is
//   foyer_limit_refused_total{limit}  how often somebody was refused for want of it
//
// The label is the name of the option, or the name that docs/limits.md gives to
// what is fixed. What one connection alone may use up has no series of its own:
// its code is counted in foyer_refusals_total.
#pragma once

#include <functional>
#include <string_view>

#include "base/metrics.h"

namespace foyer {

// `used` is called when the metrics are read, from any thread.
void report_limit(Metrics& metrics, std::string_view limit, double max, std::function<double()> used);
// For a limit whose use is set now and then by its owner.
[[nodiscard]] Gauge& limit_gauge(Metrics& metrics, std::string_view limit, double max);
[[nodiscard]] Counter& limit_refusals(Metrics& metrics, std::string_view limit);

} // namespace foyer

#include "observe/health.h"

#include <algorithm>

namespace foyer::observe {

HealthBoard::HealthBoard(std::vector<HealthCheck> checks, const Clock& clock)
    : checks_(std::move(checks)),
      clock_(clock),
      known_(checks_.size(), Known{.status = HealthState::Status::unknown, .since = clock.wall()}) {}

HealthBoard::Report HealthBoard::read() {
  Report report;
  const std::scoped_lock lock(mutex_);
  for (std::size_t i = 0; i < checks_.size(); ++i) {
    const HealthCheck& check = checks_[i];
    const HealthState state = check.read();
    if (state.status != known_[i].status) known_[i] = {.status = state.status, .since = clock_.wall()};
    if (state.status != HealthState::Status::ok)
      report.status = std::max(report.status, check.needed ? Status::failing : Status::degraded);
    json::Object row;
    row["status"] = to_string(state.status);
    if (!state.code.empty()) row["code"] = state.code;
    if (!state.detail.empty()) row["detail"] = state.detail;
    row["since"] = rfc3339(known_[i].since);
    report.checks[check.name] = std::move(row);
  }
  return report;
}

std::string_view to_string(HealthBoard::Status status) {
  switch (status) {
    case HealthBoard::Status::ok: return "ok";
    case HealthBoard::Status::degraded: return "degraded";
    case HealthBoard::Status::failing: return "failing";
  }
  return "failing";
}

std::string_view to_string(HealthState::Status status) {
  switch (status) {
    case HealthState::Status::unknown: return "unknown";
    case HealthState::Status::ok: return "ok";
    case HealthState::Status::failing: return "failing";
  }
  return "unknown";
}

} // namespace foyer::observe

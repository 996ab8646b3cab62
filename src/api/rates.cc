#include "api/rates.h"

#include "base/limit_metrics.h"

namespace foyer::api {

Rates::Rates(std::uint64_t per_s, std::uint64_t burst, Metrics& metrics)
    : per_s_(per_s),
      allowance_(per_s, burst),
      refused_(limit_refusals(metrics, "api_requests_per_s")) {}

std::shared_ptr<SharedMeter> Rates::meter_of(const Caller& caller, MonoTime now) {
  const std::string& id = std::visit([](const auto& each) -> const std::string& { return each.str(); }, caller.id);
  const std::scoped_lock held(mutex_);
  if (const auto found = meters_.find(id); found != meters_.end()) return found->second;
  if (meters_.size() >= kRows) std::erase_if(meters_, [now](const auto& row) { return row.second->whole(now); });
  return meters_.emplace(id, std::make_shared<SharedMeter>()).first->second;
}

std::optional<Refusal> Rates::take(const Caller& caller, MonoTime now) {
  const Millis wait = meter_of(caller, now)->take(allowance_, now);
  if (wait.count() == 0) return std::nullopt;
  refused_.add();
  return Refusal{
      .cause = Cause::API_RATE_LIMIT, .evidence = "api_requests_per_s=" + std::to_string(per_s_), .retry_after = wait};
}

} // namespace foyer::api

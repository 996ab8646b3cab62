#include "gateway/unknown_people.h"

#include <fmt/format.h>

#include <algorithm>

namespace foyer::gateway {

void UnknownPeople::lapse(Of& of, MonoTime now) {
  std::erase_if(of.unknown, [&](MonoTime at) { return now - at >= kWindow; });
}

void UnknownPeople::make_room(MonoTime now) {
  if (users_.size() < kUsers) return;
  for (auto& [user, of] : users_) lapse(of, now);
  std::erase_if(users_, [](const auto& each) { return each.second.unknown.empty() && each.second.under_way == 0; });
  if (users_.size() < kUsers) return;
  const auto idle = std::ranges::find_if(users_, [](const auto& each) { return each.second.under_way == 0; });
  if (idle != users_.end()) users_.erase(idle);
}

std::optional<Refusal> UnknownPeople::begin(const UserId& user, MonoTime now) {
  const std::scoped_lock lock(mutex_);
  if (!users_.contains(user)) make_room(now);
  Of& of = users_[user];
  lapse(of, now);
  if (of.unknown.size() + of.under_way < kPerUser) {
    ++of.under_way;
    meter_.used(users_.size());
    return std::nullopt;
  }
  const bool all_used = of.unknown.size() >= kPerUser;
  const Millis wait = all_used ? std::chrono::ceil<Millis>(of.unknown.front() + kWindow - now) : Millis{1'000};
  meter_.refused();
  return Refusal{.cause = Cause::RATE_LIMITED,
      .evidence = fmt::format("unknown_people={} in an hour", kPerUser),
      .retry_after = wait};
}

void UnknownPeople::end(const UserId& user, bool unknown, MonoTime now) {
  const std::scoped_lock lock(mutex_);
  const auto found = users_.find(user);
  if (found == users_.end()) return;
  Of& of = found->second;
  if (of.under_way > 0) --of.under_way;
  if (unknown) of.unknown.push_back(now);
  if (of.unknown.empty() && of.under_way == 0) users_.erase(found);
  meter_.used(users_.size());
}

} // namespace foyer::gateway

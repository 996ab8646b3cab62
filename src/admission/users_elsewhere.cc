#include "admission/users_elsewhere.h"

#include <algorithm>
#include <utility>

namespace foyer::admission {

std::uint32_t UsersElsewhere::open(const UserId& user) {
  const std::lock_guard held(mutex_);
  const auto found = others_.find(user);
  if (found == others_.end()) return 0;
  const MonoTime now = clock_.mono();
  std::uint32_t sum = 0;
  for (const Report& report : found->second)
    if (now < report.until) sum += report.open;
  return sum;
}

void UsersElsewhere::changed(const UserId& user, std::uint32_t here) {
  {
    const std::lock_guard held(mutex_);
    if (here < share() && !reported_.contains(user) && !others_.contains(user)) return;
    reported_.insert(user);
    if (!due_.insert(user).second || due_.size() > 1) return;
  }
  wake_();
}

std::vector<UserReport> UsersElsewhere::take(const UserConnections& own) {
  std::set<UserId> due;
  {
    const std::lock_guard held(mutex_);
    due.swap(due_);
  }
  std::vector<UserReport> out;
  for (const UserId& user : due) out.push_back({.user = user, .open = own.open(user)});
  const std::lock_guard held(mutex_);
  std::erase_if(out, [this](const UserReport& report) {
    if (report.open > 0) reported_.insert(report.user);
    if (report.open > 0 || due_.contains(report.user)) return false;
    return reported_.erase(report.user) == 0; // nobody relies on it
  });
  return out;
}

void UsersElsewhere::heard(const std::string& node, const std::vector<UserReport>& reports) {
  {
    const std::lock_guard held(mutex_);
    const MonoTime until = clock_.mono() + kReportTicks * tick_;
    for (const auto& [user, open] : reports) {
      auto found = others_.find(user);
      if (found == others_.end() && (open == 0 || others_.size() >= kMostUsers)) continue;
      if (found == others_.end()) found = others_.try_emplace(user).first;
      std::vector<Report>& of_user = found->second;
      std::erase_if(of_user, [&](const Report& report) { return report.node == node; });
      if (open > 0) of_user.push_back({.node = node, .open = open, .until = until});
      if (of_user.empty())
        others_.erase(found);
      else if (!reported_.contains(user))
        due_.insert(user); // whoever reports wants to know how many are here
    }
    if (due_.empty()) return;
  }
  wake_();
}

void UsersElsewhere::tick(std::size_t nodes, const UserConnections& own) {
  std::uint32_t lower = 0; // the share, if more users have reached it now
  {
    const std::lock_guard held(mutex_);
    const std::uint32_t before = share();
    nodes_ = std::max<std::size_t>(1, nodes);
    if (share() < before) lower = share();
    const MonoTime now = clock_.mono();
    for (auto& [user, reports] : others_)
      std::erase_if(reports, [now](const Report& report) { return now >= report.until; });
    std::erase_if(others_, [](const auto& entry) { return entry.second.empty(); });
    if (now >= repeat_) {
      repeat_ = now + kRepeatTicks * tick_;
      due_.insert(reported_.begin(), reported_.end());
    }
  }
  if (lower > 0) {
    const std::vector<UserId> more = own.with(lower);
    const std::lock_guard held(mutex_);
    reported_.insert(more.begin(), more.end());
    due_.insert(more.begin(), more.end());
  }
  bool any = false;
  {
    const std::lock_guard held(mutex_);
    any = !due_.empty();
  }
  if (any) wake_();
}

} // namespace foyer::admission

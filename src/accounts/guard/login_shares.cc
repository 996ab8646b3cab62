#include "accounts/guard/login_shares.h"

#include <fmt/format.h>

#include <cmath>

#include "accounts/guard/rate_limits.h"
#include "base/ip_address.h"

namespace foyer::accounts {
namespace {

std::string pair_of(std::string_view address, std::string_view user) {
  return fmt::format("{}\n{}", user, address_key(address));
}

} // namespace

bool LoginShares::count(std::string key, double often, MonoTime now) {
  auto found = counts_.find(key);
  if (found == counts_.end()) {
    while (counts_.size() >= policy_.max_counted) {
      counts_.erase(counts_by_age_.back());
      counts_by_age_.pop_back();
    }
    counts_by_age_.push_front(key);
    found = counts_.emplace(std::move(key), Count{.level = 0, .at = now, .age = counts_by_age_.begin()}).first;
  } else {
    counts_by_age_.splice(counts_by_age_.begin(), counts_by_age_, found->second.age);
  }
  Count& one = found->second;
  const double half_lives =
      std::chrono::duration<double>(now - one.at) / std::chrono::duration<double>(policy_.half_life);
  one.level = one.level * std::exp2(-half_lives) + 1;
  one.at = now;
  return one.level > often;
}

exec::Share LoginShares::take(exec::WorkClass of, std::string_view address, std::string_view user, MonoTime now) {
  exec::Share share{.of = of, .often = false, .network = network_of(address), .address = address_key(address)};
  if (of == exec::WorkClass::login && !user.empty() && known_.contains(pair_of(address, user)))
    share.of = exec::WorkClass::known;
  // Both are counted, whatever the first returns.
  const bool of_address = count(share.address, policy_.often_of_address, now);
  const bool of_network = count("net " + share.network, policy_.often_of_network, now);
  share.often = of_address || of_network;
  return share;
}

void LoginShares::signed_in(std::string_view address, std::string_view user) {
  std::string pair = pair_of(address, user);
  if (const auto found = known_.find(pair); found != known_.end()) {
    known_by_age_.splice(known_by_age_.begin(), known_by_age_, found->second);
    return;
  }
  while (known_.size() >= policy_.max_known) {
    known_.erase(known_by_age_.back());
    known_by_age_.pop_back();
  }
  known_by_age_.push_front(pair);
  known_.emplace(std::move(pair), known_by_age_.begin());
}

} // namespace foyer::accounts

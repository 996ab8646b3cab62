#include "accounts/guard/lockout.h"

#include <algorithm>

namespace foyer::accounts {
namespace {

std::string key_of(std::string_view name_key, std::string_view address) {
  std::string key{address};
  key += '\n'; // occurs in no address
  key += name_key;
  return key;
}

Refusal locked(std::string evidence, MonoTime now, MonoTime until) {
  const auto wait = std::max(Millis{1}, std::chrono::ceil<Millis>(until - now));
  return Refusal{.cause = Cause::LOGIN_LOCKED, .evidence = std::move(evidence), .retry_after = wait};
}

} // namespace

Result<bool> Lockout::begin(std::string_view name_key, std::string_view address, MonoTime now) {
  const auto at = touch(key_of(name_key, address));
  Pair& pair = at->second;
  if (pair.failures > 0 && now - pair.last_failure >= policy_.forget_after) pair.failures = 0;
  if (pair.failures >= policy_.free_failures && now < pair.locked_until)
    return std::unexpected(locked(
        std::to_string(pair.failures) + " failures in a row for this name from this address", now, pair.locked_until));
  const int left = pair.failures >= policy_.free_failures ? 1 : policy_.free_failures - pair.failures;
  if (pair.under_way >= left)
    return std::unexpected(
        locked(std::to_string(pair.under_way) + " attempts for this name from this address are in progress", now,
            now + std::chrono::seconds{1}));
  ++pair.under_way;
  return true;
}

void Lockout::failed(std::string_view name_key, std::string_view address, MonoTime now) {
  Pair& pair = touch(key_of(name_key, address))->second;
  pair.under_way = std::max(0, pair.under_way - 1);
  ++pair.failures;
  pair.last_failure = now;
  if (pair.failures < policy_.free_failures) return;
  const int doublings = std::min(pair.failures - policy_.free_failures, 20);
  pair.locked_until = now + std::min(policy_.longest_lock, policy_.first_lock * (1 << doublings));
}

void Lockout::succeeded(std::string_view name_key, std::string_view address) {
  const auto at = pairs_.find(key_of(name_key, address));
  if (at == pairs_.end()) return;
  at->second.failures = 0;
  settle(at);
}

void Lockout::forgive(std::string_view name_key, std::string_view address) {
  const auto at = pairs_.find(key_of(name_key, address));
  if (at == pairs_.end()) return;
  at->second.failures = 0;
  if (at->second.under_way == 0) settle(at);
}

void Lockout::abandoned(std::string_view name_key, std::string_view address) {
  if (const auto at = pairs_.find(key_of(name_key, address)); at != pairs_.end()) settle(at);
}

Lockout::Pairs::iterator Lockout::touch(std::string key) {
  if (const auto found = pairs_.find(key); found != pairs_.end()) {
    by_age_.splice(by_age_.begin(), by_age_, found->second.age);
    return found;
  }
  while (pairs_.size() >= std::max<std::size_t>(policy_.max_pairs, 1)) {
    pairs_.erase(by_age_.back());
    by_age_.pop_back();
  }
  by_age_.push_front(key);
  const auto added = pairs_.emplace(std::move(key), Pair{}).first;
  added->second.age = by_age_.begin();
  return added;
}

// One attempt less in progress; a pair without failures is removed.
void Lockout::settle(Pairs::iterator at) {
  Pair& pair = at->second;
  pair.under_way = std::max(0, pair.under_way - 1);
  if (pair.failures > 0 || pair.under_way > 0) return;
  by_age_.erase(pair.age);
  pairs_.erase(at);
}

} // namespace foyer::accounts

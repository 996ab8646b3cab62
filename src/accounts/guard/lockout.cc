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

Refusal locked(std::string evidence, Millis wait) {
  return Refusal{.cause = Cause::LOGIN_LOCKED, .evidence = std::move(evidence), .retry_after = wait};
}

Millis since_start(MonoTime now) { return std::chrono::floor<Millis>(now.time_since_epoch()); }

} // namespace

Result<void> begin_guess(GuessRecord& record, const LockoutPolicy& policy, Millis now) {
  if (record.failures > 0 && now - record.last_failure >= policy.forget_after) record.failures = 0;
  if (record.failures >= policy.free_failures && now < record.locked_until)
    return std::unexpected(
        locked(std::to_string(record.failures) + " failures in a row for this name from this address",
            record.locked_until - now));
  const int left = record.failures >= policy.free_failures ? 1 : policy.free_failures - record.failures;
  if (record.under_way >= left)
    return std::unexpected(
        locked(std::to_string(record.under_way) + " attempts for this name from this address are in progress",
            std::chrono::seconds{1}));
  ++record.under_way;
  return {};
}

void end_guess(GuessRecord& record) { record.under_way = std::max(0, record.under_way - 1); }

void end_wrong_guess(GuessRecord& record, const LockoutPolicy& policy, Millis now) {
  end_guess(record);
  ++record.failures;
  record.last_failure = now;
  if (record.failures < policy.free_failures) return;
  const int doublings = std::min(record.failures - policy.free_failures, 20);
  record.locked_until = now + std::min(policy.longest_lock, policy.first_lock * (1 << doublings));
}

Result<bool> Lockout::begin(std::string_view name_key, std::string_view address, MonoTime now) {
  const auto at = touch(key_of(name_key, address));
  TRY_VOID(begin_guess(at->second.record, policy_, since_start(now)));
  return true;
}

void Lockout::failed(std::string_view name_key, std::string_view address, MonoTime now) {
  end_wrong_guess(touch(key_of(name_key, address))->second.record, policy_, since_start(now));
}

void Lockout::succeeded(std::string_view name_key, std::string_view address) {
  const auto at = pairs_.find(key_of(name_key, address));
  if (at == pairs_.end()) return;
  at->second.record.failures = 0;
  settle(at);
}

void Lockout::forgive(std::string_view name_key, std::string_view address) {
  const auto at = pairs_.find(key_of(name_key, address));
  if (at == pairs_.end()) return;
  at->second.record.failures = 0;
  if (at->second.record.under_way == 0) settle(at);
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
  end_guess(at->second.record);
  if (at->second.record.failures > 0 || at->second.record.under_way > 0) return;
  by_age_.erase(at->second.age);
  pairs_.erase(at);
}

} // namespace foyer::accounts

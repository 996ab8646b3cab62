#include "auth/revocation_table.h"

#include <algorithm>
#include <mutex>

namespace foyer::auth {

namespace {

// Was it issued before `at`? A token's iat is in whole seconds, so for a token of the same second
// as `at` this is unknown.
//
// For our own sessions it does not matter: `before` ends the user's sessions in the same
// transaction, each with an event of its own, and a later login has another
// session. A token without one is refused; a second later a new token is valid.
bool issued_before(const RevocationSubject& identity, WallTime at) {
  const bool whole_seconds = identity.issued_at == std::chrono::floor<std::chrono::seconds>(identity.issued_at);
  const bool same_second = std::chrono::floor<std::chrono::seconds>(at) == identity.issued_at;
  if (whole_seconds && same_second && identity.own_account && !identity.session.empty()) return false;
  return identity.issued_at < at;
}

} // namespace

RevocationTable::Entries& RevocationTable::of(RevocationEvent::Kind kind) {
  switch (kind) {
    case RevocationEvent::Kind::token: return tokens_;
    case RevocationEvent::Kind::session: return sessions_;
    case RevocationEvent::Kind::before: return before_;
    case RevocationEvent::Kind::user: return users_;
  }
  return tokens_;
}

std::size_t RevocationTable::held() const { return tokens_.size() + sessions_.size() + before_.size() + users_.size(); }

void RevocationTable::apply(const std::vector<RevocationEvent>& events, const RevocationWatch& watch) {
  const std::unique_lock lock(mutex_);
  for (const auto& event : events) {
    newest_ = std::max(newest_, event.at);
    Entries& entries = of(event.kind);
    if (event.kind == RevocationEvent::Kind::user && event.reason == RevocationEvent::Reason::enabled) {
      entries.erase(event.id);
      continue;
    }
    const auto [entry, is_new] = entries.try_emplace(event.id, Entry{event.at, event.reason});
    if (!is_new) {
      const WallTime at = std::max(entry->second.at, event.at);
      if (at == entry->second.at && event.reason == entry->second.reason) continue;
      entry->second = {at, event.reason};
    }
    if (watch) watch(event);
    arrivals_.push_back({event.kind, event.id, entry->second.at});
    while (held() > policy_.table_size) forget_oldest();
    // Replaced or ended entries leave arrivals behind; never more than entries.
    while (arrivals_.size() > 2 * policy_.table_size + 2) forget_oldest();
  }
}

void RevocationTable::forget_oldest() {
  const Arrival oldest = std::move(arrivals_.front());
  arrivals_.pop_front();
  Entries& entries = of(oldest.kind);
  const auto entry = entries.find(oldest.id);
  if (entry == entries.end() || entry->second.at != oldest.at) return;
  entries.erase(entry);
  if (oldest.at + policy_.token_life >= newest_) floor_ = std::max(floor_, oldest.at);
}

void RevocationTable::block(const UserId& user, std::optional<WallTime> since) {
  const std::unique_lock lock(mutex_);
  if (since)
    blocked_.insert_or_assign(user.str(), *since);
  else
    blocked_.erase(user.str());
}

void RevocationTable::synchronised(MonoTime now, RevocationSource source) {
  auto& last = synchronised_.at(static_cast<std::size_t>(source));
  if (last.exchange(now.time_since_epoch().count(), std::memory_order_acq_rel) != INT64_MIN) return;
  const std::lock_guard lock(first_mutex_); // so that a waiter sees it or is woken
  first_.notify_all();
}

bool RevocationTable::synchronised_once() const {
  return std::ranges::all_of(sources_, [this](RevocationSource source) {
    return synchronised_.at(static_cast<std::size_t>(source)).load(std::memory_order_acquire) != INT64_MIN;
  });
}

bool RevocationTable::wait_for_first(Millis at_most) const {
  std::unique_lock lock(first_mutex_);
  return first_.wait_for(lock, at_most, [this] { return synchronised_once(); });
}

bool RevocationTable::current(MonoTime now) const {
  return std::ranges::all_of(sources_, [this, now](RevocationSource source) { return current(now, source); });
}

bool RevocationTable::current(MonoTime now, RevocationSource source) const {
  if (std::ranges::find(sources_, source) == sources_.end()) return true;
  const std::int64_t last = synchronised_.at(static_cast<std::size_t>(source)).load(std::memory_order_acquire);
  return last != INT64_MIN && now - MonoTime{std::chrono::nanoseconds{last}} <= policy_.max_age;
}

std::optional<Refusal> RevocationTable::check(const RevocationSubject& subject, MonoTime now) const {
  // A known revocation stays valid, however old the knowledge.
  const std::shared_lock lock(mutex_);
  if (!subject.token.empty() && tokens_.contains(subject.token))
    return Refusal{.cause = Cause::TOKEN_REVOKED, .evidence = "the token itself was revoked"};
  if (!subject.session.empty() && sessions_.contains(subject.session))
    return Refusal{.cause = Cause::SESSION_REVOKED, .evidence = "its session has ended"};
  if (const auto it = before_.find(subject.user); it != before_.end() && issued_before(subject, it->second.at))
    return Refusal{
        .cause = Cause::TOKEN_REVOKED, .evidence = "all of this user's tokens issued before " + rfc3339(it->second.at)};
  if (subject.own_account) {
    if (const auto it = users_.find(subject.user); it != users_.end()) {
      const bool deleted = it->second.reason == RevocationEvent::Reason::deleted;
      return Refusal{.cause = deleted ? Cause::USER_UNKNOWN : Cause::USER_DISABLED,
          .evidence = (deleted ? "deleted " : "disabled ") + rfc3339(it->second.at)};
    }
  }
  if (const auto it = blocked_.find(subject.user); it != blocked_.end())
    return Refusal{.cause = Cause::USER_BLOCKED, .evidence = "blocked since " + rfc3339(it->second)};
  // The auth service knows nothing of the tokens of others.
  const auto in_database = [&] {
    return current(now, RevocationSource::chat_store) && current(now, RevocationSource::record);
  };
  if (!(subject.foreign ? in_database() : current(now))) {
    return Refusal{.cause = Cause::REVOCATION_UNCHECKED,
        .evidence = synchronised_once() ? "revocations were last synchronised too long ago"
                                        : "revocations were never synchronised in this process",
        .retry_after = Millis{2'000}};
  }
  if (floor_ != WallTime{} && subject.issued_at <= floor_)
    return Refusal{.cause = Cause::REVOCATION_UNCHECKED,
        .evidence = "the revocation table was full; it no longer covers tokens issued before " + rfc3339(floor_),
        .retry_after = Millis{2'000}};
  return std::nullopt;
}

std::size_t RevocationTable::size() const {
  const std::shared_lock lock(mutex_);
  return held();
}

} // namespace foyer::auth

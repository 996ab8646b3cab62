#include "auth/revocation_table.h"

#include <mutex>

namespace foyer::auth {

void RevocationTable::apply(const std::vector<RevocationEvent>& events) {
  const std::unique_lock lock(mutex_);
  for (const auto& event : events) {
    switch (event.kind) {
      case RevocationEvent::Kind::token: tokens_[event.id] = event.at; break;
      case RevocationEvent::Kind::session: sessions_[event.id] = event.at; break;
      case RevocationEvent::Kind::before: before_[event.id] = std::max(before_[event.id], event.at); break;
      case RevocationEvent::Kind::user:
        if (event.reason == RevocationEvent::Reason::enabled) users_.erase(event.id);
        else users_[event.id] = {event.at, event.reason};
        break;
    }
    forget(event.at);
  }
}

void RevocationTable::forget(WallTime now) {
  const std::size_t size = tokens_.size() + sessions_.size() + before_.size();
  if (size <= policy_.table_size && now - swept_ < std::chrono::minutes{10}) return;
  swept_ = now;
  // A full table forgets sooner; what matters most, the users, is never forgotten.
  const Millis life = size > policy_.table_size ? policy_.token_life / 8 : policy_.token_life;
  const auto old = [&](const auto& entry) { return entry.second + life < now; };
  std::erase_if(tokens_, old);
  std::erase_if(sessions_, old);
  std::erase_if(before_, old);
}

void RevocationTable::synchronised(MonoTime now) { synchronised_.store(now.time_since_epoch().count(), std::memory_order_release); }

bool RevocationTable::current(MonoTime now) const {
  const std::int64_t last = synchronised_.load(std::memory_order_acquire);
  return last != INT64_MIN && now - MonoTime{std::chrono::nanoseconds{last}} <= policy_.max_age;
}

std::optional<Refusal> RevocationTable::check(const Identity& identity, MonoTime now) const {
  if (!current(now)) return Refusal{.cause = Cause::REVOCATION_UNCHECKED, .retry_after = Millis{2'000}};
  const std::shared_lock lock(mutex_);
  if (!identity.token.empty() && tokens_.find(identity.token.view()) != tokens_.end()) return Refusal{.cause = Cause::TOKEN_REVOKED};
  if (!identity.session.empty() && sessions_.find(identity.session.view()) != sessions_.end()) return Refusal{.cause = Cause::SESSION_REVOKED};
  if (const auto it = before_.find(identity.user.view()); it != before_.end() && identity.issued_at < it->second)
    return Refusal{.cause = Cause::TOKEN_REVOKED, .evidence = "all of this user's tokens issued before " + rfc3339(it->second)};
  if (const auto it = users_.find(identity.user.view()); it != users_.end())
    return Refusal{.cause = it->second.reason == RevocationEvent::Reason::deleted ? Cause::USER_UNKNOWN : Cause::USER_DISABLED};
  return std::nullopt;
}

std::size_t RevocationTable::size() const {
  const std::shared_lock lock(mutex_);
  return tokens_.size() + sessions_.size() + before_.size() + users_.size();
}

} // namespace foyer::auth

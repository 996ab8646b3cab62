#include "auth/cache.h"

#include <algorithm>
#include <unordered_set>

#include "base/bytes.h"

namespace foyer::auth {

std::string CookieCache::key(std::string_view cookie, std::string_view address) {
  // The digest has a fixed length and comes first, so no two pairs give the same bytes.
  return sha256(sha256(cookie) + std::string(address));
}

void CookieCache::erase(Kept& kept, std::list<Entry>::iterator entry) {
  kept.index.erase(entry->key);
  kept.recent.erase(entry);
}

std::optional<Result<Identity>> CookieCache::find(std::string_view key, Moment now) {
  for (Kept* kept : {&positives_, &negatives_}) {
    const auto found = kept->index.find(key);
    if (found == kept->index.end()) continue;
    const auto entry = found->second;
    // The session's end is wall time, so a clock change counts.
    if (now.mono >= entry->until || (entry->answer && now.wall >= entry->answer->expires_at)) {
      erase(*kept, entry);
      continue;
    }
    kept->recent.splice(kept->recent.begin(), kept->recent, entry);
    return entry->answer;
  }
  return std::nullopt;
}

void CookieCache::keep(std::string key, const Result<Identity>& answer, std::uint64_t generation, Moment now) {
  if (generation != generation_) return;
  if (!answer && answer.error().info().retry == Retry::after) return;
  const Millis life = answer ? std::min(policy_.positive, answer->expires_at - now.wall) : policy_.negative;
  if (life <= Millis{0}) return;
  for (Kept* kept : {&positives_, &negatives_})
    if (const auto found = kept->index.find(key); found != kept->index.end()) erase(*kept, found->second);
  Kept& kept = answer ? positives_ : negatives_;
  const std::size_t room = answer ? policy_.positives : policy_.negatives;
  if (room == 0) return;
  while (kept.index.size() >= room) erase(kept, std::prev(kept.recent.end()));
  kept.recent.push_front({.key = std::move(key), .answer = answer, .until = now.mono + life});
  kept.index.emplace(kept.recent.front().key, kept.recent.begin());
}

void CookieCache::apply(const std::vector<RevocationEvent>& events) {
  if (events.empty()) return;
  ++generation_;
  std::unordered_set<std::string_view> sessions;
  std::unordered_set<std::string_view> users;
  bool enabled = false;
  for (const RevocationEvent& event : events) {
    if (event.kind == RevocationEvent::Kind::session) sessions.insert(event.id);
    if (event.kind == RevocationEvent::Kind::before || event.kind == RevocationEvent::Kind::user)
      users.insert(event.id);
    enabled = enabled || event.reason == RevocationEvent::Reason::enabled;
  }
  for (auto entry = positives_.recent.begin(); entry != positives_.recent.end();) {
    const auto next = std::next(entry);
    if (sessions.contains(entry->answer->session.view()) || users.contains(entry->answer->user.view()))
      erase(positives_, entry);
    entry = next;
  }
  // "Disabled" does not name the user, so it cannot be matched to an event.
  if (enabled) negatives_ = {};
}

} // namespace foyer::auth

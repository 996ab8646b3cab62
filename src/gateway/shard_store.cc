// A shard's reaction to changes of the chat store: a room's history that restarts, unreadable messages, and a store
// that another process owns.
#include "gateway/session.h"
#include "gateway/shard.h"
#include "protocol/event_frame.h"

namespace foyer::gateway {
namespace {

constexpr std::int64_t kBackAfter = 500;    // milliseconds, the least wait
constexpr std::int64_t kBackSpread = 2'000; // milliseconds, the random part

} // namespace

Refusal Shard::with_jitter(Refusal refusal) const {
  refusal.retry_after = Millis{kBackAfter + static_cast<std::int64_t>(deps_.entropy.below(kBackSpread))};
  return refusal;
}

std::vector<ConnectionId> Shard::subscribers(const RoomName& name) const {
  std::vector<ConnectionId> ids;
  const auto it = rooms_.find(name);
  if (it == rooms_.end()) return ids;
  ids.reserve(it->second->subscriptions.size());
  for (const auto& subscription : it->second->subscriptions) ids.push_back(subscription.link->id());
  return ids;
}

void Shard::reset(rooms::Publication& publication) {
  const RoomName& name = publication.event().room;
  for (const ConnectionId id : subscribers(name)) {
    Session* session = find(id);
    Subscription* subscription = session == nullptr ? nullptr : this->subscription(*session, name);
    if (subscription == nullptr) continue;
    const bool was_live = !subscription->joining || subscription->joining->again;
    if (subscription->joining) { // its answer will show the new history
      subscription->joining->held.clear();
      subscription->joining->held_bytes = 0;
      subscription->joining->was_reset = true;
    }
    if (!was_live) continue;
    const SharedBytes& frame = protocol::event_frame(publication, session->link().codec(), session->link().terms());
    if (!frame) {
      session->link().end(with_jitter({.cause = Cause::ROOM_RESET, .evidence = "room " + name.str()}));
      continue;
    }
    session->link().deliver(frame);
    if (!subscription->joining) unsubscribe(*session, name, false);
  }
}

void Shard::close_all(const RoomName& name, const Refusal& refusal) {
  for (const ConnectionId id : subscribers(name))
    if (Session* session = find(id)) session->link().end(with_jitter(refusal));
}

void Shard::store_lost(const Refusal& why) {
  const bool again = lost_store_.has_value();
  lost_store_ = why;
  if (again) return;
  links_.each([&](Link& link) {
    if (link.session() != nullptr && link.session()->chats()) link.end(with_jitter(why));
  });
}

void Shard::store_opened_again() {
  lost_store_.reset();
  home_.store_opened_again();
}

} // namespace foyer::gateway

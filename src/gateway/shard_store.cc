// A shard's reaction to changes of the chat store: a room's history that restarts, unreadable messages, and a store
// that another process owns.
#include <algorithm>
#include <utility>
#include <vector>

#include "gateway/session.h"
#include "gateway/shard.h"
#include "protocol/event_frame.h"

namespace foyer::gateway {
namespace {

constexpr std::int64_t kBackAfter = 500;    // milliseconds, the least wait
constexpr std::int64_t kBackSpread = 2'000; // milliseconds, the random part
constexpr Millis kLeaveStep{50};

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
    const SharedBytes& frame = protocol::event_frame(publication, session->link().codec(), session->link().terms());
    if (subscription->joining && subscription->joining->counted && frame) {
      subscription->joining->reset = frame;
      continue;
    }
    const bool was_live = !subscription->joining || subscription->joining->again || subscription->joining->counted;
    if (subscription->joining) { // its answer will show the new history
      subscription->joining->held.clear();
      subscription->joining->held_bytes = 0;
      subscription->joining->was_reset = true;
    }
    if (!was_live) continue;
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

// Spread over the time of a drain, so that their clients do not all come to the other nodes at once.
class Shard::Leaving final : public io::Timer {
 public:
  Leaving(Shard& shard, Refusal why) : shard_(shard), why_(std::move(why)) {
    shard.links_.each([this](const Link& link) {
      if (link.session() != nullptr && link.session()->chats()) ids_.push_back(link.id());
    });
    const auto steps = std::max<std::int64_t>(1, shard.policy_.drain_timeout * 2 / 3 / kLeaveStep);
    batch_ = ids_.size() / static_cast<std::size_t>(steps) + 1;
    shard_.loop_.arm(*this, Millis{0});
  }

  void on_timer() override {
    for (std::size_t n = 0; n < batch_ && next_ < ids_.size(); ++n)
      if (Session* session = shard_.find(ids_[next_++])) session->link().end(shard_.with_jitter(why_));
    if (next_ < ids_.size()) shard_.loop_.arm(*this, kLeaveStep);
  }

 private:
  Shard& shard_;
  const Refusal why_;
  std::vector<ConnectionId> ids_;
  std::size_t next_ = 0, batch_ = 0;
};

void Shard::node_deaf(const std::optional<Refusal>& why) {
  deaf_ = why;
  leaving_ = why ? std::make_shared<Leaving>(*this, *why) : nullptr;
}

void Shard::rights_unknown() {
  const Refusal why{.cause = Cause::REVOCATION_UNCHECKED,
      .evidence = "the database, in which other nodes take rights away, could not be read for too long"};
  links_.each([&](Link& link) {
    if (link.session() != nullptr && link.session()->chats()) link.end(with_jitter(why));
  });
}

void Shard::store_opened_again() {
  lost_store_.reset();
  home_.store_opened_again();
}

} // namespace foyer::gateway

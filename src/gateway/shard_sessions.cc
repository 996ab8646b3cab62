// Actions of an application on the sessions of a loop, and its queries.
#include <algorithm>

#include "gateway/session.h"
#include "gateway/shard.h"

namespace foyer::gateway {
namespace {

constexpr std::size_t kInATurn = 256; // slots visited per turn
constexpr std::size_t kFewInARoom =
    4'096; // up to so many subscribers are sorted at once; beyond, all slots are visited

bool fits(const SessionFilter& filter, const Session& session) {
  const engine::Selection& who = filter.who;
  return (!who.connection || session.id() == *who.connection) &&
      (who.user.empty() || session.identity().user() == who.user.view()) &&
      (who.session.empty() || session.identity().session() == who.session.view()) &&
      (filter.address.empty() || session.address() == filter.address) &&
      std::ranges::find(who.keep, session.id()) == who.keep.end();
}

std::uint32_t slot_of(const Session& session) { return unpack(session.id()).slot; }

} // namespace

struct Shard::Visit {
  SessionFilter filter;
  std::uint32_t slot = 0;                                    // the next one
  std::optional<std::vector<std::uint32_t>> candidates = {}; // nullopt: all slots
  Act act;
  Visited done;
};

std::optional<std::vector<std::uint32_t>> Shard::candidates(const SessionFilter& filter) const {
  std::vector<std::uint32_t> slots;
  if (filter.who.connection) {
    const ConnectionAddress address = unpack(*filter.who.connection);
    if (address.loop == index_ && address.slot < links_.slots()) slots.push_back(address.slot);
  } else if (!filter.who.user.empty()) {
    for (const Session* s = first_of(filter.who.user); s != nullptr; s = s->next_of_user) slots.push_back(slot_of(*s));
  } else if (!filter.room.empty()) {
    const auto room = rooms_.find(filter.room);
    if (room == rooms_.end()) return slots;
    if (room->second->subscriptions.size() > kFewInARoom) return std::nullopt;
    for (const Subscription& s : room->second->subscriptions) slots.push_back(unpack(s.link->id()).slot);
  } else {
    return std::nullopt;
  }
  std::ranges::sort(slots);
  return slots;
}

void Shard::visit(SessionFilter filter, std::uint32_t slot, Act act, Visited done) {
  auto visit = std::make_unique<Visit>(
      Visit{.filter = std::move(filter), .slot = slot, .act = std::move(act), .done = std::move(done)});
  visit->candidates = candidates(visit->filter);
  go_on(std::move(visit));
}

void Shard::go_on(std::unique_ptr<Visit> visit) {
  const auto look = [this, &visit](std::uint32_t slot) { // false: stop at this slot
    const Link* link = links_.in_slot(slot);
    if (link == nullptr || !link->open() || !fits(visit->filter, *link->session())) return true;
    if (!visit->filter.room.empty() && subscription(*link->session(), visit->filter.room) == nullptr) return true;
    return visit->act(*link->session());
  };
  const auto next = [this, &visit]() -> std::optional<std::uint32_t> {
    if (!visit->candidates) return visit->slot < links_.slots() ? std::optional(visit->slot) : std::nullopt;
    const auto found = std::ranges::lower_bound(*visit->candidates, visit->slot);
    return found == visit->candidates->end() ? std::nullopt : std::optional(*found);
  };
  for (std::size_t n = 0; n < kInATurn; ++n) {
    const auto slot = next();
    if (!slot) return visit->done(std::nullopt);
    if (!look(*slot)) return visit->done(*slot);
    visit->slot = *slot + 1;
  }
  loop_.post([this, visit = std::move(visit)]() mutable { go_on(std::move(visit)); });
}

void Shard::each(engine::Selection who, const RoomName& room, std::move_only_function<void(Session&)> act) {
  visit({.who = std::move(who), .room = room}, 0, [act = std::move(act)](Session& session) mutable {
    act(session);
    return true;
  }, [](std::optional<std::uint32_t>) {});
}

void Shard::disconnect(const engine::Disconnect& request) {
  each(request.who, {}, [code = request.code, reason = request.reason, outcome = request.outcome](Session& session) {
    session.link().disconnect(code, reason);
    if (outcome) outcome->applied();
  });
}

void Shard::unsubscribe(const engine::Unsubscribe& request) {
  each(request.who, request.room, [room = request.room, outcome = request.outcome](Session& session) {
    if (session.end_subscription(room, Cause::UNSUBSCRIBED_BY_APP) && outcome) outcome->applied();
  });
}

void Shard::subscribe(const engine::Subscribe& request) {
  each(request.who, {}, [request](Session& session) { session.join_by_server(request); });
}

void Shard::set_expiry(const engine::SetExpiry& request) {
  each(request.who, {}, [at = request.expires_at, outcome = request.outcome](Session& session) {
    session.set_expiry(at);
    if (outcome) outcome->applied();
  });
}

Shard::Status Shard::status_of(const UserId& user) const {
  Status status{.seen = last_seen_.of(user)};
  for (const Session* s = first_of(user); s != nullptr; s = s->next_of_user) {
    if (s->link().open()) ++status.connections;
    const WallTime heard = wall_of(s->link().facts().heard);
    if (!status.seen || *status.seen < heard) status.seen = heard;
  }
  return status;
}

WallTime Shard::wall_of(MonoTime time) const { return loop_.wall() - std::chrono::ceil<Millis>(loop_.now() - time); }

} // namespace foyer::gateway

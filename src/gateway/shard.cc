#include "gateway/shard.h"

#include <algorithm>
#include <cstring>

#include "gateway/handshake.h"
#include "gateway/session.h"
#include "gateway/shard_listener.h"
#include "gateway/websocket_link.h"
#include "protocol/event_frame.h"
#include "wire/websocket.h"

namespace foyer::gateway {

constexpr Offset kAboutAMessage = UINT64_MAX; // marks a held event about a message, which is sent in any case

namespace {

// Events were dropped, through no fault of the client: the Close makes it join again with `since`.
Refusal too_much_held() {
  return {.cause = Cause::BUSY,
      .evidence = "joining_bytes: too much was published during a join",
      .retry_after = Millis{1'000}};
}

} // namespace

ShardMetrics::ShardMetrics(Metrics& metrics)
    : admitted(metrics.counter("foyer_admissions_total", "Connections admitted by the door.")),
      received(metrics.counter("foyer_messages_received_total", "Messages received from clients.")),
      delivered(metrics.counter("foyer_deliveries_total", "Publications handed to connections.")),
      sockets(metrics.gauge("foyer_connections", "Connections admitted and open.")),
      ends(metrics) {}

namespace {

rooms::Outlets outlets(const GatewayDeps& deps, std::shared_ptr<rooms::Listener> here) {
  rooms::Outlets out{.fanout = deps.fanout,
      .bus = deps.bus,
      .here = std::move(here),
      .occupancy = deps.occupancy,
      .between = deps.between,
      .shared_log = deps.shared_log};
  if (deps.presence) out.presence = deps.presence;
  return out;
}

} // namespace

Shard::Shard(std::uint8_t index, io::Loop& loop, const GatewayPolicy& policy, const GatewayDeps& deps,
    rooms::UserUses& users, const rooms::Homes& homes)
    : index_(index),
      loop_(loop),
      policy_(policy),
      deps_(deps),
      uses_(users),
      metrics_(deps.metrics),
      listener_(std::make_shared<ShardListener>(*this)),
      home_(loop, deps.room_log, deps.directory, outlets(deps, listener_), homes, policy.rooms, deps.entropy,
          deps.metrics),
      service_(homes, index),
      codec_(deps.codec()),
      compression_(policy.compression, deps.metrics),
      allowed_commands_(policy.messages_per_s, policy.messages_burst),
      allowed_refusals_(policy.messages_per_s, std::uint64_t{policy.messages_burst} * protocol::kRefusalsToBurst),
      allowed_bytes_(policy.bytes_per_s, policy.bytes_burst),
      links_(1, kLastGeneration),
      drain_(loop, links_, &Link::shut_down) {
  deps.bus->listen(listener_);
}

Shard::~Shard() { *alive_ = false; }

std::string_view Shard::UserOf::operator()(const Session& session) const { return session.identity().user(); }

void Shard::take(io::Transport& transport, http::Upgrade upgrade) {
  WebSocketLink* link = nullptr;
  links_.add([&](io::SlotId id) {
    auto made = std::make_unique<WebSocketLink>(
        *this, transport, pack({.loop = index_, .generation = id.generation, .slot = id.slot}), std::move(upgrade));
    link = made.get();
    return made;
  });
  transport.set_handler(link);
  link->begin();
}

Session* Shard::find(ConnectionId id) {
  const auto address = unpack(id);
  const Link* link = links_.find({.slot = address.slot, .generation = address.generation});
  return link == nullptr ? nullptr : link->session();
}

void Shard::with_handshake(ConnectionId id, std::move_only_function<void(Handshake&)> step) {
  const auto address = unpack(id);
  if (Link* link = links_.find({.slot = address.slot, .generation = address.generation}))
    link->with_handshake(std::move(step));
}

Completion<Identity> Shard::identity_answer(ConnectionId id) {
  return on_loop<Identity>([this, id](Result<Identity> identity) mutable {
    with_handshake(id, [&](Handshake& handshake) { handshake.answered(std::move(identity)); });
  });
}

void Shard::refresh_keys(std::string token, Completion<bool> then) {
  deps_.refresh_keys(std::move(token), on_loop<bool>(std::move(then)));
}

void Shard::when_there_is_time(ConnectionId id, std::move_only_function<void(Session&)> work) {
  loop_.costly().later([this, id, work = std::move(work)]() mutable {
    if (Session* session = find(id)) work(*session);
  });
}

std::span<char> Shard::padded(std::string_view bytes) {
  padded_.resize(std::max(padded_.size(), bytes.size() + wire::kPadding));
  std::memcpy(padded_.data(), bytes.data(), bytes.size());
  return {padded_.data(), bytes.size()};
}

void Shard::admitted(Session& session) {
  if (Session* const known = users_.find(session.identity().user())) {
    session.next_of_user = known;
    known->previous_of_user = &session;
    users_.replace(session);
  } else {
    users_.add(session);
  }
  last_seen_.came(session.user());
  sockets.fetch_add(1, std::memory_order_relaxed);
  metrics_.admitted.add();
  metrics_.sockets.add(1);
}

Session* Shard::first_of(const UserId& user) const { return users_.find(user.view()); }

void Shard::ended(const SocketEnd& end, const Link& link, const CloseFrame& close) {
  metrics_.ends.count(end);
  const std::string peer(link.transport().socket_address());
  report_end(end, link, close, peer);
  auto found = idle_timeouts_.ended(end, peer, loop_.now());
  if (!found) return;
  deps_.reporter.report(Ref{deps_.entropy.short_id()}, std::move(*found), peer);
}

// Logs at info for admitted clients, within the budget of lines; otherwise at debug.
void Shard::report_end(const SocketEnd& end, const Link& link, const CloseFrame& close, const std::string& peer) {
  const bool debug = deps_.log.enabled(Level::debug);
  const auto left_out = link.session() == nullptr ? std::nullopt : ended_lines_.take(loop_.now());
  if (!left_out && !debug) return;
  const std::string_view user = link.session() == nullptr ? "" : link.session()->identity().user();
  deps_.log.write(left_out ? Level::info : Level::debug, "socket_ended", "A WebSocket ended.",
      {{"way", to_string(end.way)}, {"close", close.code}, {"reason", close.reason}, {"age_ms", end.age.count()},
          {"idle_ms", end.idle.count()}, {"user", printable(user)}, {"address", link.transport().peer_address()},
          {"peer", peer}, {"left_out", left_out.value_or(0)}});
}

void Shard::closed(Link& link) {
  if (Session* session = link.session()) {
    while (!session->memberships.empty()) {
      const RoomName room = session->memberships[0].room->name;
      unsubscribe(*session, room, false);
    }
    if (session->previous_of_user != nullptr) {
      session->previous_of_user->next_of_user = session->next_of_user;
    } else if (session->next_of_user != nullptr) {
      users_.replace(*session->next_of_user);
    } else {
      users_.erase(*session);
      last_seen_.left(session->user(), wall_of(link.facts().heard));
    }
    if (session->next_of_user != nullptr) session->next_of_user->previous_of_user = session->previous_of_user;
    sockets.fetch_sub(1, std::memory_order_relaxed);
    metrics_.sockets.add(-1);
  }
  links_.remove(unpack(link.id()).slot).reset();
  drain_.removed();
}

// Subscriptions

LocalRoom* Shard::subscribe(Session& session, const RoomName& name, Joining joining) {
  auto& place = rooms_[name];
  if (!place) {
    place = std::make_unique<LocalRoom>();
    place->name = name;
    if (place->name.view().starts_with("user:")) place->own_user = place->name.view().substr(5);
  }
  ++subscriptions_;
  session.memberships.add({.room = place.get(), .index = static_cast<std::uint32_t>(place->subscriptions.size())});
  place->subscriptions.push_back({&session.link(), std::make_unique<Joining>(std::move(joining))});
  return place.get();
}

Subscription* Shard::subscription(Session& session, const RoomName& name) {
  const std::size_t at = session.memberships.find([&name](const LocalRoom& room) { return room.name == name; });
  if (at == session.memberships.size()) return nullptr;
  const Membership membership = session.memberships[at];
  return &membership.room->subscriptions[membership.index];
}

std::optional<std::uint64_t> Shard::next_page(Session& session, const RoomName& room) {
  Subscription* subscription = this->subscription(session, room);
  if (subscription == nullptr || !subscription->catching_up || subscription->joining) return std::nullopt;
  const std::uint64_t serial = next_join();
  subscription->joining = std::make_unique<Joining>(Joining{.serial = serial, .again = true});
  return serial;
}

void Shard::unsubscribe(Session& session, const RoomName& name, bool evicted) {
  const std::size_t at = session.memberships.find([&name](const LocalRoom& room) { return room.name == name; });
  if (at == session.memberships.size()) return;
  LocalRoom& room = *session.memberships[at].room;
  const std::uint32_t index = session.memberships[at].index;
  // The home does not count a subscription that is still joining. When its answer comes and finds no session, the
  // subscription is withdrawn.
  const Joining* joining = room.subscriptions[index].joining.get();
  const bool counted = joining == nullptr || joining->again || joining->counted;
  session.memberships.remove(at);
  if (index + 1 != room.subscriptions.size()) {
    room.subscriptions[index] = std::move(room.subscriptions.back());
    room.subscriptions[index].link->session()->memberships.moved(room, index);
  }
  room.subscriptions.pop_back();
  --subscriptions_;
  const RoomName kept = name;
  if (room.subscriptions.empty()) rooms_.erase(kept);
  session.unsubscribed(kept);
  if (counted) service_.leave(index_, session.user(), kept, evicted);
}

// Events

namespace {

// The frame of an event for one client after another; looked up again only if the terms differ from the previous
// client's.
class FrameOf {
 public:
  explicit FrameOf(rooms::Publication& publication) : publication_(publication) {}
  const SharedBytes& operator()(const Link& link) {
    const protocol::ClientTerms& terms = link.terms();
    if (frame_ == nullptr || codec_ != &link.codec() || features_ != terms.features ||
        max_message_ != terms.max_message) {
      codec_ = &link.codec();
      features_ = terms.features;
      max_message_ = terms.max_message;
      frame_ = &protocol::event_frame(publication_, *codec_, terms);
    }
    return *frame_;
  }

 private:
  rooms::Publication& publication_;
  const SharedBytes* frame_ = nullptr;
  const protocol::ClientCodec* codec_ = nullptr;
  protocol::Features features_;
  std::uint32_t max_message_ = 0;
};

} // namespace

void Shard::publish(rooms::Publication& publication) {
  const rooms::Event& event = publication.event();
  const auto it = rooms_.find(event.room);
  if (it == rooms_.end()) return;
  LocalRoom& room = *it->second;
  const bool passing = event.delivery == rooms::Delivery::ephemeral;
  const bool about_a_message = event.delivery == rooms::Delivery::about_history;
  const auto presence = deps_.between ? PresenceNews::of(event) : std::nullopt;
  FrameOf frame_of(publication);
  std::uint64_t delivered = 0;
  for (auto& subscription : room.subscriptions) {
    Link& link = *subscription.link;
    const SharedBytes& frame = frame_of(link);
    if (!frame) continue;
    // The answer to a first join contains the members, so presence events before it are dropped. Those of other nodes
    // may be later than what it contains.
    if (subscription.joining && passing && !subscription.joining->again) {
      if (presence && link.session()->identity().user() != event.except.view())
        hold_presence(*subscription.joining, *presence, frame);
      continue;
    }
    if (subscription.joining && !passing) {
      auto& joining = *subscription.joining;
      joining.held_bytes += frame->size();
      if (joining.held_bytes > policy_.joining_bytes) continue; // reported with the answer to the join
      joining.held.emplace_back(about_a_message ? kAboutAMessage : event.offset, frame);
      continue;
    }
    if (subscription.catching_up && event.delivery == rooms::Delivery::history) continue; // contained in a later page
    if (!event.except.empty() && link.session()->identity().user() == event.except.view()) continue;
    // The last check before sending: nobody else gets an event of an own room.
    if (!room.own_user.empty() && link.session()->identity().user() != room.own_user) continue;
    if (presence && !is_news(subscription, *presence)) continue;
    ++delivered;
    if (link.packs())
      packing_.push_back(&link);
    else
      link.deliver(frame);
  }
  // Plain receivers first, then those that compress: receivers with equal queues share them (io::BatchQueue) as long as
  // no other receiver comes in between.
  for (Link* link : packing_) link->deliver(frame_of(*link));
  packing_.clear();
  metrics_.delivered.add(delivered);
}

void Shard::hold_presence(Joining& joining, const PresenceNews& news, const SharedBytes& frame) const {
  joining.held_bytes += frame->size();
  if (joining.held_bytes <= policy_.joining_bytes) joining.presence.push_back({news, frame});
}

bool Shard::is_news(Subscription& subscription, const PresenceNews& news) {
  if (!subscription.told) return true;
  if (loop_.now() < subscription.told->until) return news.changes(subscription.told->listed);
  subscription.told.reset();
  return true;
}

// Only what is news stays held. Larger rooms get numbers.
void Shard::tell_members(Subscription& subscription, Joining& joining, const JoinAnswer& answer) {
  const auto* joined = std::get_if<rooms::Joined>(&answer.message);
  if (!deps_.between || joined == nullptr) return;
  ListedMembers listed(*joined);
  std::erase_if(joining.presence, [&listed](const HeldPresence& held) { return !held.news.changes(listed); });
  subscription.told.reset();
  if (joined->member_count > policy_.rooms.presence_events_limit) return;
  listed.may_be_more();
  subscription.told = std::make_unique<ToldMembers>(
      ToldMembers{.listed = std::move(listed), .until = loop_.now() + ToldMembers::kLatest});
}

void Shard::refuse(const ReplyTo& to, Refusal refusal) {
  Session* session = find(to.connection);
  if (session != nullptr)
    session->answered(to.command, [session, id = to.id, refusal = std::move(refusal)]() mutable {
      session->send_refusal(id, std::move(refusal));
    });
}

Completion<rooms::Joined> Shard::join_answer(JoinTicket ticket) {
  return [this, ticket = std::move(ticket)](Result<rooms::Joined> result) {
    if (!result) return join_refused(ticket, std::move(result).error());
    result->by_server = ticket.by_server;
    const Offset up_to = result->up_to;
    const bool recovered = result->recovered, more = recovered && result->more;
    joined(ticket, {.up_to = up_to, .recovered = recovered, .more = more, .message = std::move(*result)});
  };
}

Completion<rooms::HistoryPart> Shard::page_answer(JoinTicket ticket) {
  return [this, ticket = std::move(ticket)](Result<rooms::HistoryPart> result) {
    if (!result) return join_refused(ticket, std::move(result).error());
    if (!result->exists) return join_refused(ticket, {.cause = Cause::NOT_FOUND, .field = "room"});
    const Offset up_to = result->up_to;
    const bool more = result->more;
    joined(ticket, {.up_to = up_to, .recovered = true, .more = more, .message = std::move(*result)});
  };
}

Subscription* Shard::waiting_for(Session* session, const JoinTicket& ticket) {
  Subscription* subscription = session == nullptr ? nullptr : this->subscription(*session, ticket.room);
  return subscription != nullptr && subscription->joining && subscription->joining->serial == ticket.serial
      ? subscription
      : nullptr;
}

void Shard::joined(const JoinTicket& ticket, JoinAnswer answer) {
  Session* session = find(ticket.to.connection);
  Subscription* subscription = waiting_for(session, ticket);
  if (subscription == nullptr) {
    // The session has left in the meantime: the subscription that the home has just counted is withdrawn.
    if (!ticket.again) service_.leave(index_, ticket.user, ticket.room, false);
    if (session == nullptr) return;
  } else {
    subscription->joining->counted = true;
  }
  session->answered(ticket.to.command,
      [this, ticket, answer = std::move(answer)]() mutable { admit_join(ticket, std::move(answer)); });
}

void Shard::admit_join(const JoinTicket& ticket, JoinAnswer answer) {
  Session* session = find(ticket.to.connection);
  Subscription* subscription = waiting_for(session, ticket);
  if (subscription == nullptr) {
    // The subscription ended during the join: the user was removed from the room, or lost the right to read.
    if (session == nullptr || ticket.by_server) return;
    const bool may_read = session->identity().permissions().chat_read;
    return session->send_refusal(ticket.to.id,
        {.cause = may_read ? Cause::NOT_A_MEMBER : Cause::PERMISSION_DENIED,
            .evidence = "the subscription ended while the room was being joined"});
  }
  const auto joining = std::move(subscription->joining);
  const bool was_live = ticket.again && !subscription->catching_up;
  subscription->catching_up = answer.more;
  tell_members(*subscription, *joining, answer);
  // Events published to a live subscription before the home processed the new join are in the answer only if it
  // recovers. Otherwise they must be delivered before it.
  if (was_live && !answer.recovered && !joining->was_reset)
    for (const auto& [offset, held] : joining->held)
      if (offset <= answer.up_to) session->link().deliver(held);
  session->reply(ticket.to.id, answer.message);
  if (ticket.outcome) ticket.outcome->applied();
  if (joining->reset) { // the answer shows the former history
    session->link().deliver(joining->reset);
    return unsubscribe(*session, ticket.room, false);
  }
  if (joining->held_bytes > policy_.joining_bytes) return session->link().end(too_much_held());
  for (const HeldPresence& held : joining->presence) session->link().deliver(held.frame);
  for (const auto& [offset, held] : joining->held)
    if (offset > answer.up_to && (!answer.more || offset == kAboutAMessage)) session->link().deliver(held);
}

void Shard::join_refused(const JoinTicket& ticket, Refusal refusal) {
  Session* session = find(ticket.to.connection);
  if (session == nullptr) return;
  session->answered(ticket.to.command,
      [this, ticket, refusal = std::move(refusal)]() mutable { end_join(ticket, std::move(refusal)); });
}

void Shard::end_join(const JoinTicket& ticket, Refusal refusal) {
  Session* session = find(ticket.to.connection);
  if (session == nullptr) return;
  if (Subscription* subscription = waiting_for(session, ticket)) {
    if (ticket.again && !subscription->joining->was_reset) {
      const auto joining = std::move(subscription->joining);
      for (const auto& [offset, held] : joining->held)
        if (!subscription->catching_up || offset == kAboutAMessage) session->link().deliver(held);
      if (joining->held_bytes > policy_.joining_bytes) return session->link().end(too_much_held());
    } else {
      unsubscribe(*session, ticket.room, false); // the home has not counted it
    }
  }
  if (!ticket.by_server) return session->send_refusal(ticket.to.id, std::move(refusal));
  if (ticket.outcome) ticket.outcome->refused(std::move(refusal));
}

void Shard::evict(const RoomName& name, const UserId& user) {
  for (Session* session = first_of(user); session != nullptr; session = session->next_of_user)
    if (subscription(*session, name) != nullptr) unsubscribe(*session, name, true);
}

void Shard::to_user(const UserId& user, rooms::Publication& publication, ConnectionId except) {
  for (Session* session = first_of(user); session != nullptr; session = session->next_of_user) {
    if (session->id() == except) continue;
    Link& link = session->link();
    const SharedBytes& frame = protocol::event_frame(publication, link.codec(), link.terms());
    if (frame) link.deliver(frame);
  }
}

// Shutdown

void Shard::check_revocations() {
  links_.each([](const Link& link) {
    if (Session* session = link.session()) session->check_revocation();
  });
}

void Shard::drain(std::move_only_function<void()> done) {
  // All links are closed within the first two thirds of the time; the rest is left for the clients' Closes.
  drain_.start(policy_.drain_timeout * 2 / 3, std::move(done));
  links_.each([this](const Link& link) {
    const Millis wait{500 + static_cast<std::int64_t>(deps_.entropy.below(4'500))};
    if (Session* session = link.session()) session->send_closing(wait);
  });
}

void Shard::when_empty(std::move_only_function<void()> done) { drain_.finish(std::move(done)); }

} // namespace foyer::gateway

// Actions of an application on a session: setting its end, joining it to rooms and removing it from them.
#include "gateway/session.h"
#include "gateway/shard.h"

namespace foyer::gateway {

void Session::set_expiry(WallTime at) {
  if (at <= shard().loop().wall())
    return link_.end({.cause = Cause::TOKEN_EXPIRED, .evidence = "the application set an expiry that has passed"});
  identity_.set_expires_at(at);
  if (extras_ && extras_->consent && extras_->consent->expires_at) extras_->consent->expires_at = at;
  expiry_announced_ = false;
  link_.reschedule();
  if (service_ == Service::chat) say(std::nullopt, protocol::Refreshed{at});
}

bool Session::end_subscription(const RoomName& room, Cause cause) {
  if (shard().subscription(*this, room) == nullptr) return false;
  shard().unsubscribe(*this, room, false);
  if (link_.open()) say(std::nullopt, protocol::SubscriptionEnded{room, cause});
  return true;
}

// The application decides who is in a public room, regardless of the token's scope and the room's rule. A room with
// members stays closed to others.
void Session::join_by_server(const engine::Subscribe& request) {
  if (!chats()) return;
  // Like a token for the room that never ends and cannot be revoked.
  const auto allow = [&] { add_pass(request.room, PackedIdentity(Identity{}), kNoEnd); };
  if (shard().subscription(*this, request.room) != nullptr) {
    allow();
    if (request.outcome) request.outcome->applied(); // it is subscribed or being subscribed
    return;
  }
  if (memberships.size() >= shard().policy().rooms_per_connection) {
    if (request.outcome)
      request.outcome->refused({.cause = Cause::ROOM_LIMIT,
          .evidence = "rooms_per_connection=" + std::to_string(shard().policy().rooms_per_connection)});
    return;
  }
  JoinTicket ticket{.to = {.connection = link_.id()},
      .user = user(),
      .room = request.room,
      .serial = shard().next_join(),
      .by_server = true,
      .outcome = request.outcome};
  shard().subscribe(*this, ticket.room, Joining{.serial = ticket.serial});
  allow();
  rooms::JoinRequest join = join_request(ticket, request.limit);
  join.since = request.since;
  rooms::Actor by = actor_in(request.room.view());
  by.permissions.chat_read = true;
  by.let_in = true;
  shard().rooms().join(std::move(by), std::move(join), shard().join_answer(std::move(ticket)));
}

} // namespace foyer::gateway

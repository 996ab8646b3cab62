// The commands of a session, up to the point where the room service takes over.
#include <fmt/format.h>

#include "base/json.h"
#include "gateway/answer.h"

namespace foyer::gateway {

using protocol::Command;
using protocol::CommandType;

namespace {

// What a command does in its room; nullopt: its permission is checked elsewhere.
std::optional<rooms::Act> act_of(CommandType type) {
  switch (type) {
    case CommandType::join:
    case CommandType::presence:
    case CommandType::history: return rooms::Act::read;
    case CommandType::delete_: return rooms::Act::erase;
    case CommandType::invite: return rooms::Act::invite;
    case CommandType::remove: return rooms::Act::remove;
    default: return std::nullopt;
  }
}

// A text may contain only three of the C0 controls: tab, line feed and carriage return. The others could control a
// terminal, and take six bytes each in JSON.
std::optional<Refusal> control_character(std::string_view text) {
  std::size_t character = 0; // the current code point, counted from 1
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80) ++character;
    if (byte >= 0x20 || byte == '\t' || byte == '\n' || byte == '\r') continue;
    return Refusal{.cause = Cause::BAD_MESSAGE,
        .field = "message",
        .detail = fmt::format("The text contains the control character U+{:04X} at position {}.", byte, character)};
  }
  return std::nullopt;
}

} // namespace

// The order

void Session::take_command(
    std::string_view text, CommandType type, const Command* command, MessageId id, std::optional<Refusal> refusal) {
  // Checking a token may take long, so `refresh` neither delays other commands nor waits for them.
  if (type == CommandType::refresh) return refusal ? send_refusal(id, std::move(*refusal)) : refresh(*command);
  if (!refusal && !order_.waits() && wait_for_room(text, *command)) return;
  if (!order_.waits() && order_.may_begin(type)) {
    if (!refusal) return begin(*command);
    if (order_.idle()) return send_refusal(id, std::move(*refusal));
  }
  if (refusal) type = CommandType::ping; // a refusal only needs its turn to be answered
  CommandOrder::Waiting waiting{.type = type, .id = id, .refusal = std::move(refusal)};
  if (!waiting.refusal) waiting.text = text;
  if (!order_.wait(std::move(waiting)))
    link_.end({.cause = Cause::BUSY,
        .evidence = "waiting_commands: too many commands wait for the answers to earlier ones",
        .retry_after = Millis{1'000}});
}

void Session::go_on() {
  if (going_on_ || !order_.waits()) return;
  going_on_ = true;
  while (link_.open()) {
    auto waiting = order_.next();
    if (!waiting) break;
    if (waiting->refusal) {
      send_refusal(waiting->id, std::move(*waiting->refusal));
      continue;
    }
    const auto text = shard().padded(waiting->text);
    auto read = shard().codec().read_first({text.data(), text.size()});
    const auto* command = std::get_if<Command>(&read);
    if (command != nullptr && !wait_for_room(waiting->text, *command)) begin(*command);
  }
  going_on_ = false;
}

void Session::begin(const Command& command) {
  running_ = CommandOrder::immediate(command.type) ? 0 : order_.begin(command.type, shard().loop().now());
  run(command);
  running_ = 0;
}

void Session::refuse_command(MessageId id, Refusal refusal) {
  answered(running_, [this, id, refusal = std::move(refusal)]() mutable { send_refusal(id, std::move(refusal)); });
}

rooms::Actor Session::actor() const {
  return {.user = user(),
      .name = std::string(identity_.name()),
      .permissions = identity_.permissions(),
      .from = rooms::SessionKey{link_.id()},
      .use = use_};
}

rooms::Actor Session::actor_in(std::string_view room) {
  rooms::Actor by = actor();
  by.has_token = has_token_for(room);
  by.let_in = is_let_in(room);
  // With join = app a session is subscribed only if the application has agreed.
  if (shard().deps().application != nullptr) by.app_let_in = shard().subscription(*this, RoomName{room}) != nullptr;
  return by;
}

ReplyTo Session::reply_to(MessageId id) const { return {.connection = link_.id(), .command = running_, .id = id}; }

rooms::AnswerLimit Session::answer_limit() const {
  return {.measure = &link_.codec(), .bytes = link_.terms().answer_bytes()};
}

void Session::run(const Command& command) {
  switch (command.type) {
    case CommandType::ping: return say(command.id, protocol::Pong{});
    case CommandType::authenticate: return refuse_command(command.id, {.cause = Cause::ALREADY_AUTHENTICATED});
    case CommandType::refresh: return; // see take_command
    case CommandType::rooms:
      if (auto allowed = rooms::may_list(identity_.permissions()); !allowed)
        return refuse_command(command.id, std::move(allowed).error());
      return list(command);
    case CommandType::agent_request:
    case CommandType::agent_cancel:
      return refuse_command(command.id, {.cause = Cause::NOT_AVAILABLE, .evidence = "this server has no agents"});
    case CommandType::direct: return about_person(command);
    case CommandType::invitations:
      if (auto allowed = rooms::may_list(identity_.permissions()); !allowed)
        return refuse_command(command.id, std::move(allowed).error());
      return shard().rooms().invitations(user(), shard().answer_to<rooms::InvitationPage>(reply_to(command.id)));
    case CommandType::chat: return chat(command);
    case CommandType::publish: return publish_data(command);
    default: return about_room(command);
  }
}

void Session::about_room(const Command& command) {
  const auto kind = rooms::kind_of(command.room);
  if (!kind) return refuse_command(command.id, kind.error());
  if (const auto act = act_of(command.type))
    if (auto allowed = rooms::has_scope(*act, identity_.permissions()); !allowed)
      return refuse_command(command.id, std::move(allowed).error());
  RoomName room{command.room};
  rooms::RoomService& service = shard().rooms();
  const ReplyTo to = reply_to(command.id);
  switch (command.type) {
    case CommandType::join: return join(command);
    case CommandType::leave: return leave(command);
    case CommandType::typing:
      if (shard().subscription(*this, room) == nullptr) return refuse_command(command.id, {.cause = Cause::NOT_JOINED});
      if (!shard().policy().rooms.rules.of(room.view()).typing)
        return refuse_command(command.id, rooms::turned_off("typing"));
      return typing(std::move(room), command.on);
    case CommandType::presence:
      if (Subscription* here = shard().subscription(*this, room)) here->told.reset(); // the answer may know of others
      return service.presence(
          actor_in(command.room), std::move(room), answer_limit(), shard().answer_to<rooms::PresenceNow>(to));
    case CommandType::history: return history(command);
    case CommandType::delete_:
      return service.erase(
          actor_in(command.room), std::move(room), command.offset, shard().answer_to<rooms::MessageErased>(to));
    case CommandType::create:
      if (*kind != rooms::RoomKind::private_)
        return refuse_command(command.id,
            {.cause = Cause::ROOM_NAME_INVALID,
                .evidence = "only private rooms can be created; a public room exists from its first join on",
                .field = "room"});
      if (auto allowed = rooms::may_create(identity_.permissions()); !allowed)
        return refuse_command(command.id, std::move(allowed).error());
      return service.create(actor_in(command.room), std::move(room), shard().answer_to<rooms::RoomCreated>(to));
    case CommandType::invite: return about_person(command);
    case CommandType::accept:
    case CommandType::decline:
      if (auto allowed = rooms::may_create(identity_.permissions()); !allowed)
        return refuse_command(command.id, std::move(allowed).error());
      if (command.type == CommandType::accept)
        return service.accept(actor(), std::move(room), shard().answer_to<rooms::InvitationAccepted>(to));
      return service.decline(actor(), std::move(room), shard().answer_to<rooms::InvitationTurnedDown>(to));
    case CommandType::remove:
      if (!rooms::kind_of("user:" + std::string(command.user)).has_value())
        return refuse_command(command.id, {.cause = Cause::BAD_MESSAGE, .evidence = "not a user id", .field = "user"});
      return service.remove(
          actor_in(command.room), std::move(room), UserId{command.user}, shard().answer_to<rooms::UserRemoved>(to));
    default: return;
  }
}

void Session::typing(RoomName room, bool on) {
  auto by = actor_in(room.view());
  by.app_lets_write = true; // the application is asked about messages only
  shard().rooms().typing(std::move(by), std::move(room), on);
}

void Session::history(const Command& command) {
  rooms::HistoryQuery query{.room = RoomName{command.room},
      .before = command.before,
      .after = command.after,
      .limit = command.limit.value_or(protocol::kHistoryPage),
      .answer = answer_limit()};
  // The next page of a recovery: the subscription continues with the events after it.
  const auto serial = query.after ? shard().next_page(*this, query.room) : std::nullopt;
  auto done = serial
      ? shard().page_answer(
            {.to = reply_to(command.id), .user = user(), .room = query.room, .again = true, .serial = *serial})
      : shard().answer_to<rooms::HistoryPart>(reply_to(command.id));
  shard().rooms().history(actor_in(command.room), std::move(query), std::move(done));
}

struct Session::JoinWish {
  JoinTicket ticket;
  rooms::JoinRequest request;
  std::string token;
  bool with_newest_keys = false;
};

void Session::join(const Command& command) {
  JoinTicket ticket{
      .to = reply_to(command.id), .user = user(), .room = RoomName{command.room}, .serial = shard().next_join()};
  rooms::JoinRequest request = join_request(ticket, command.limit.value_or(0));
  if (command.since)
    request.since = rooms::SincePosition{.epoch = Epoch{command.since->epoch},
        .offset = command.since->offset,
        .time = command.since->time,
        .change = command.since->change};
  if (command.token.empty()) return begin_join(std::move(ticket), std::move(request), std::nullopt);
  JoinWish wish{.ticket = std::move(ticket), .request = std::move(request), .token = std::string(command.token)};
  if (shard().loop().costly().has_time()) return check_room_token(std::move(wish));
  shard().when_there_is_time(
      link_.id(), [wish = std::move(wish)](Session& session) mutable { session.check_room_token(std::move(wish)); });
}

void Session::check_room_token(JoinWish wish) {
  if (!link_.open()) return;
  auto verified = shard().loop().costly().now(
      [&] { return shard().deps().verifier.verify_room(wish.token, shard().loop().wall()); });
  if (verified || verified.error().cause != Cause::KEY_UNKNOWN || wish.with_newest_keys || !shard().deps().refresh_keys)
    return room_token_checked(std::move(wish), std::move(verified));
  wish.with_newest_keys = true;
  std::string token = wish.token; // copied first: the order of evaluation of arguments is unspecified
  shard().refresh_keys(
      std::move(token), [&shard = shard(), session = link_.id(), wish = std::move(wish)](Result<bool> newer) mutable {
    Session* self = shard.find(session);
    if (self == nullptr) return;
    if (newer) return self->check_room_token(std::move(wish));
    self->room_token_checked(std::move(wish), std::unexpected(std::move(newer).error()));
  });
}

void Session::room_token_checked(JoinWish wish, Result<auth::RoomToken> verified) {
  const ReplyTo& to = wish.ticket.to;
  if (!verified) return shard().refuse(to, std::move(verified).error());
  if (auto refusal = shard().deps().revocations.check(verified->identity, shard().loop().now()))
    return shard().refuse(to, std::move(*refusal));
  if (verified->identity.user.view() != identity_.user())
    return shard().refuse(to, {.cause = Cause::USER_MISMATCH, .evidence = "the room token belongs to another user"});
  if (verified->room != wish.request.room.view())
    return shard().refuse(to,
        {.cause = Cause::ROOM_TOKEN_REQUIRED,
            .evidence = "the token names the room " + printable(verified->room, 128),
            .field = "token"});
  begin_join(std::move(wish.ticket), std::move(wish.request), std::move(verified->identity));
}

void Session::begin_join(JoinTicket ticket, rooms::JoinRequest request, std::optional<Identity> token) {
  if (asks(asking::Event::subscribe, ticket.room.view()))
    return ask_to_join(std::move(ticket), std::move(request), std::move(token));
  start_join(std::move(ticket), std::move(request), token, std::nullopt);
}

void Session::start_join(JoinTicket ticket, rooms::JoinRequest request, const std::optional<Identity>& token,
    std::optional<WallTime> app_ends) {
  if (auto* subscription = shard().subscription(*this, ticket.room)) {
    if (subscription->joining)
      return shard().refuse(ticket.to,
          {.cause = Cause::RATE_LIMITED,
              .evidence = "a join of this room is already in progress",
              .retry_after = Millis{100},
              .field = "room"});
    // Already joined: the client requests messages again. Events published until the answer are held back.
    subscription->joining = std::make_unique<Joining>(Joining{.serial = ticket.serial, .again = true});
    ticket.again = true;
  } else {
    if (memberships.size() >= shard().policy().rooms_per_connection)
      return shard().refuse(ticket.to,
          {.cause = Cause::ROOM_LIMIT,
              .evidence = "rooms_per_connection=" + std::to_string(shard().policy().rooms_per_connection)});
    shard().subscribe(*this, ticket.room, Joining{.serial = ticket.serial});
  }
  if (token) add_pass(ticket.room, PackedIdentity(*token), token->expires_at + shard().policy().leeway);
  if (app_ends && *app_ends != WallTime{}) add_pass(ticket.room, std::nullopt, *app_ends);
  request.again = ticket.again;
  auto by = actor_in(ticket.room.view());
  by.app_let_in = ticket.again || app_ends;
  shard().rooms().join(std::move(by), std::move(request), shard().join_answer(std::move(ticket)));
}

// A later token extends an earlier one. In a room whose rule requires no token, a token sets no end. Of several answers
// of the application the last one counts.
void Session::add_pass(const RoomName& room, std::optional<PackedIdentity> token, WallTime ends) {
  const rooms::JoinBy join = shard().policy().rooms.rules.of(room.view()).join;
  if (token && (join == rooms::JoinBy::anyone || (join != rooms::JoinBy::token && ends != kNoEnd))) return;
  auto& passes = extras().passes;
  const auto known = std::ranges::find_if(
      passes, [&](const RoomPass& pass) { return pass.room == room && pass.token.has_value() == token.has_value(); });
  if (known == passes.end())
    passes.push_back({.room = room, .token = std::move(token), .ends = ends});
  else if (!token || known->ends <= ends)
    known->token = std::move(token), known->ends = ends;
  link_.reschedule();
}

bool Session::needs_token(const RoomName& room) const {
  return shard().policy().rooms.rules.of(room.view()).join == rooms::JoinBy::token;
}

rooms::JoinRequest Session::join_request(const JoinTicket& ticket, std::uint32_t limit) const {
  return {.room = ticket.room,
      .listener = shard().index(),
      .limit = limit,
      .again = ticket.again,
      .changes = link_.terms().features.has(protocol::Feature::changes),
      .pages = link_.terms().features.has(protocol::Feature::pages),
      .answer = answer_limit()};
}

void Session::list(const Command& command) {
  const std::uint32_t limit =
      std::clamp<std::uint32_t>(command.limit.value_or(protocol::kRoomsPage), 1, protocol::kRoomsPage);
  rooms::RoomsRequest question{.user = user(), .limit = limit};
  if (!command.after_room.empty()) question.after = RoomName{command.after_room};
  for (std::size_t i = 0; i < memberships.size(); ++i)
    if (const RoomName& room = memberships[i].room->name; rooms::kind_of(room.view()) == rooms::RoomKind::public_)
      question.joined.push_back(room);
  shard().rooms().list(std::move(question), shard().answer_to<rooms::RoomsPage>(reply_to(command.id)));
}

void Session::leave(const Command& command) {
  const RoomName room{command.room};
  if (shard().subscription(*this, room) == nullptr) return refuse_command(command.id, {.cause = Cause::NOT_JOINED});
  shard().unsubscribe(*this, room, false);
  say(command.id, protocol::Left{room});
}

void Session::chat(const Command& command) {
  rooms::PublishRequest request{
      .room = RoomName{command.room}, .text = std::string(command.message), .key = std::string(command.key)};
  if (request.room.empty()) request.room = RoomName{"user:" + std::string(identity_.user())};
  publish(command.id, std::move(request), "message");
}

void Session::publish_data(const Command& command) {
  publish(command.id,
      {.room = RoomName{command.room},
          .text = json::compact(command.data),
          .key = std::string(command.key),
          .type = rooms::BodyType::data},
      "data");
}

std::optional<Refusal> Session::unfit(const rooms::PublishRequest& request, std::string_view field) const {
  if (request.text.size() > shard().policy().text_bytes)
    return Refusal{.cause = Cause::MESSAGE_TOO_LARGE,
        .evidence = "text_bytes=" + std::to_string(shard().policy().text_bytes),
        .field = std::string(field)};
  return request.type == rooms::BodyType::text ? control_character(request.text) : std::nullopt;
}

void Session::publish(MessageId id, rooms::PublishRequest request, std::string_view field) {
  if (auto refusal = unfit(request, field)) return refuse_command(id, std::move(*refusal));
  if (const auto kind = rooms::kind_of(request.room.view()); !kind) return refuse_command(id, kind.error());
  if (auto allowed = rooms::has_scope(rooms::Act::write, identity_.permissions()); !allowed)
    return refuse_command(id, std::move(allowed).error());
  if (asks(asking::Event::publish, request.room.view())) return ask_to_publish(id, std::move(request));
  auto by = actor_in(request.room.view());
  shard().rooms().publish(std::move(by), std::move(request), shard().answer_to<rooms::Published>(reply_to(id)));
}

void Session::refresh(const Command& command) {
  if (refreshing_)
    return send_refusal(command.id,
        {.cause = Cause::RATE_LIMITED,
            .evidence = "another token is still being checked",
            .retry_after = Millis{100},
            .field = "token"});
  if (shard().loop().costly().has_time()) return check_refresh(command.id, command.token, false);
  check_refresh_later(command.id, std::string(command.token), false);
}

void Session::check_refresh_later(const MessageId& id, std::string token, bool with_newest_keys) {
  refreshing_ = true;
  shard().when_there_is_time(link_.id(), [id, token = std::move(token), with_newest_keys](Session& session) {
    session.check_refresh(id, token, with_newest_keys);
  });
}

void Session::check_refresh(const MessageId& id, std::string_view token, bool with_newest_keys) {
  refreshing_ = false;
  if (!link_.open()) return;
  auto verified =
      shard().loop().costly().now([&] { return shard().deps().verifier.verify(token, shard().loop().wall()); });
  if (verified || verified.error().cause != Cause::KEY_UNKNOWN || with_newest_keys || !shard().deps().refresh_keys)
    return refreshed(id, std::move(verified));
  refreshing_ = true;
  shard().refresh_keys(std::string(token),
      [&shard = shard(), session = link_.id(), id, token = std::string(token)](Result<bool> newer) mutable {
    if (Session* self = shard.find(session)) self->keys_answered(id, std::move(token), std::move(newer));
  });
}

void Session::keys_answered(const MessageId& id, std::string token, Result<bool> newer) {
  if (newer)
    return shard().loop().costly().has_time() ? check_refresh(id, token, true)
                                              : check_refresh_later(id, std::move(token), true);
  refreshing_ = false;
  if (link_.open()) refreshed(id, std::unexpected(std::move(newer).error()));
}

void Session::refreshed(const MessageId& id, Result<Identity> verified) {
  link_.reschedule(); // an end set by the application was not enforced while the token was checked
  if (!verified) return send_refusal(id, std::move(verified).error());
  if (auto refusal = shard().deps().revocations.check(*verified, shard().loop().now()))
    return send_refusal(id, std::move(*refusal));
  if (verified->user.view() != identity_.user()) return send_refusal(id, {.cause = Cause::USER_MISMATCH});
  if (!verified->permissions.chat_read && !verified->permissions.chat_write)
    return send_refusal(
        id, {.cause = Cause::PERMISSION_DENIED, .evidence = "the new token has neither chat:read nor chat:write"});
  if (asks(asking::Event::refresh)) return ask_to_refresh(id, std::move(*verified));
  renew(id, std::move(*verified));
}

void Session::renew(const MessageId& id, Identity identity) {
  if (extras_ && extras_->consent) extras_->consent->apply(identity);
  identity_ = PackedIdentity(identity);
  expiry_announced_ = false;
  link_.reschedule();
  say(id, protocol::Refreshed{identity_.expires_at()});
  if (!identity_.permissions().chat_read) return leave_all();
  std::vector<RoomName> closed; // rooms that the new token does not name
  for (std::size_t i = 0; i < memberships.size(); ++i) {
    const RoomName& room = memberships[i].room->name;
    if (needs_token(room) && !has_token_for(room.view())) closed.push_back(room);
  }
  for (const RoomName& room : closed) end_subscription(room, Cause::ROOM_TOKEN_REQUIRED);
}

// Ends all subscriptions and notifies the client: the new token has no right to read.
void Session::leave_all() {
  while (!memberships.empty()) {
    const RoomName room = memberships[0].room->name;
    shard().unsubscribe(*this, room, false);
    say(std::nullopt, protocol::Left{room});
  }
}

} // namespace foyer::gateway

// What a connection does once it is ready: each command of docs/protocol.md, up to
// the point where a room's owner takes over.
#include <fmt/format.h>

#include "gateway/connection.h"
#include "gateway/shard.h"
#include "protocol/encode.h"

namespace foyer::gateway {

using protocol::Command;
using protocol::CommandType;

namespace {

// What a command about a room does there; none: its scope is looked at elsewhere.
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

// Of the C0 controls a text may hold tab, line feed and carriage return: JSON writes each
// of the others with six bytes, and no terminal should ever be sent them.
std::optional<Refusal> control_character(std::string_view text) {
  std::size_t character = 0; // counted from 1, as code points
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80) ++character;
    if (byte >= 0x20 || byte == '\t' || byte == '\n' || byte == '\r') continue;
    return Refusal{.cause = Cause::BAD_MESSAGE,
        .field = "message",
        .detail = fmt::format("The text holds the control character U+{:04X}, as character {}.", byte, character)};
  }
  return std::nullopt;
}

} // namespace

// The order

void Connection::take_command(
    std::string_view text, CommandType type, const Command* command, MessageId id, std::optional<Refusal> refusal) {
  // The check of a token may take long: it holds back nothing and waits for nothing.
  if (type == CommandType::refresh) return refusal ? send_refusal(id, std::move(*refusal)) : refresh(*command);
  if (!order_.waits() && order_.may_begin(type)) {
    if (!refusal) return begin(*command);
    if (order_.idle()) return send_refusal(id, std::move(*refusal));
  }
  if (refusal) type = CommandType::ping; // it is answered at once when its turn comes
  CommandOrder::Waiting waiting{.type = type, .id = id, .refusal = std::move(refusal)};
  if (!waiting.refusal) waiting.text = text;
  if (!order_.wait(std::move(waiting)))
    end({.cause = Cause::BUSY,
        .evidence = "waiting_commands: more commands wait for the answers to earlier ones than may",
        .retry_after = Millis{1'000}});
}

void Connection::go_on() {
  if (going_on_ || !order_.waits()) return;
  going_on_ = true;
  while (phase_ == Phase::ready) {
    auto waiting = order_.next();
    if (!waiting) break;
    if (waiting->refusal) {
      send_refusal(waiting->id, std::move(*waiting->refusal));
      continue;
    }
    auto read = shard_.decoder().read({shard_.padded(waiting->text).data(), waiting->text.size()});
    if (const auto* command = std::get_if<Command>(&read)) begin(*command);
  }
  going_on_ = false;
}

void Connection::begin(const Command& command) {
  running_ = CommandOrder::immediate(command.type) ? 0 : order_.begin(command.type, shard_.loop().now());
  run(command);
  running_ = 0;
}

void Connection::refuse_command(MessageId id, Refusal refusal) {
  answered(running_, [this, id, refusal = std::move(refusal)]() mutable { send_refusal(id, std::move(refusal)); });
}

Speaker Connection::speaker() const {
  return {.connection = {id_, running_},
      .user = identity_.user,
      .name = identity_.name,
      .permissions = identity_.permissions,
      .terms = terms_,
      .use = use_};
}

void Connection::run(const Command& command) {
  switch (command.type) {
    case CommandType::ping: {
      std::string& json = shard_.scratch();
      json.clear();
      protocol::pong(json, command.id);
      return say(json);
    }
    case CommandType::authenticate: return refuse_command(command.id, {.cause = Cause::ALREADY_AUTHENTICATED});
    case CommandType::refresh: return; // see take_command
    case CommandType::rooms:
      if (auto allowed = rooms::may_list(identity_.permissions); !allowed)
        return refuse_command(command.id, std::move(allowed).error());
      return list(command);
    case CommandType::agent_request:
    case CommandType::agent_cancel:
      return refuse_command(command.id, {.cause = Cause::NOT_AVAILABLE, .evidence = "this server has no agents"});
    case CommandType::direct: return about_person(command);
    case CommandType::invitations:
      if (auto allowed = rooms::may_list(identity_.permissions); !allowed)
        return refuse_command(command.id, std::move(allowed).error());
      return shard_.owners().invitations(speaker(), command.id);
    case CommandType::chat: return chat(command);
    default: return about_room(command);
  }
}

void Connection::about_room(const Command& command) {
  const auto kind = rooms::kind_of(command.room);
  if (!kind) return refuse_command(command.id, kind.error());
  if (const auto act = act_of(command.type))
    if (auto allowed = rooms::has_scope(*act, identity_.permissions); !allowed)
      return refuse_command(command.id, std::move(allowed).error());
  const RoomName room{command.room};
  auto& port = shard_.port();
  switch (command.type) {
    case CommandType::join: return join(command);
    case CommandType::leave: return leave(command);
    case CommandType::typing: {
      const auto* subscription = shard_.subscription(*this, room);
      if (subscription == nullptr) return refuse_command(command.id, {.cause = Cause::NOT_JOINED});
      return port.at_owner(room, [speaker = speaker(), room, on = command.on](RoomOwners& owners) mutable {
        owners.typing(std::move(speaker), room, on);
      });
    }
    case CommandType::presence:
      return port.at_owner(room, [speaker = speaker(), id = command.id, room](RoomOwners& owners) mutable {
        owners.presence(std::move(speaker), id, room);
      });
    case CommandType::history: {
      HistoryPart part{
          .before = command.before, .after = command.after, .limit = command.limit.value_or(protocol::kHistoryPage)};
      if (part.after) part.serial = shard_.next_page(*this, room);
      return port.at_owner(room, [speaker = speaker(), id = command.id, room, part](RoomOwners& owners) mutable {
        owners.history(std::move(speaker), id, room, part);
      });
    }
    case CommandType::delete_:
      return port.at_owner(
          room, [speaker = speaker(), id = command.id, room, offset = command.offset](RoomOwners& owners) mutable {
        owners.erase(std::move(speaker), id, room, offset);
      });
    case CommandType::create: {
      if (*kind != rooms::RoomKind::private_)
        return refuse_command(command.id,
            {.cause = Cause::ROOM_NAME_INVALID,
                .evidence = "only private rooms are created; a public one begins with its first join",
                .field = "room"});
      if (auto allowed = rooms::may_create(identity_.permissions); !allowed)
        return refuse_command(command.id, std::move(allowed).error());
      return port.at_owner(room, [speaker = speaker(), id = command.id, room](RoomOwners& owners) mutable {
        owners.create(std::move(speaker), id, room);
      });
    }
    case CommandType::invite: return about_person(command);
    case CommandType::accept:
    case CommandType::decline: {
      if (auto allowed = rooms::may_create(identity_.permissions); !allowed)
        return refuse_command(command.id, std::move(allowed).error());
      const bool yes = command.type == CommandType::accept;
      return yes ? shard_.owners().accept(speaker(), command.id, room)
                 : shard_.owners().decline(speaker(), command.id, room);
    }
    case CommandType::remove: {
      if (!rooms::kind_of("user:" + std::string(command.user)).has_value())
        return refuse_command(command.id, {.cause = Cause::BAD_MESSAGE, .evidence = "not a user id", .field = "user"});
      return port.at_owner(
          room, [speaker = speaker(), id = command.id, room, user = UserId{command.user}](RoomOwners& owners) mutable {
        owners.remove(std::move(speaker), id, room, std::move(user));
      });
    }
    default: return;
  }
}

void Connection::join(const Command& command) {
  const RoomName room{command.room};
  JoinRequest question{.speaker = speaker(),
      .room = room,
      .id = command.id,
      .limit = command.limit.value_or(0),
      .serial = shard_.next_join()};
  if (command.since)
    question.since = SincePosition{.epoch = std::string(command.since->epoch),
        .offset = command.since->offset,
        .time = command.since->time,
        .change = command.since->change};
  if (auto* subscription = shard_.subscription(*this, room)) {
    if (subscription->joining)
      return refuse_command(command.id,
          {.cause = Cause::RATE_LIMITED,
              .evidence = "this room is being joined already",
              .retry_after = Millis{100},
              .field = "room"});
    // Joined already: asked for its messages again. What is published until the answer waits behind it.
    subscription->joining = std::make_unique<Joining>(Joining{.serial = question.serial, .again = true});
    question.again = true;
  } else {
    if (memberships.size() >= shard_.policy().rooms_per_connection)
      return refuse_command(command.id,
          {.cause = Cause::ROOM_LIMIT,
              .evidence = "rooms_per_connection=" + std::to_string(shard_.policy().rooms_per_connection)});
    shard_.subscribe(*this, room, Joining{.serial = question.serial});
  }
  shard_.port().at_owner(
      room, [question = std::move(question)](RoomOwners& owners) mutable { owners.join(std::move(question)); });
}

void Connection::list(const Command& command) {
  const std::uint32_t limit =
      std::clamp<std::uint32_t>(command.limit.value_or(protocol::kRoomsPage), 1, protocol::kRoomsPage);
  rooms::RoomsRequest question{.user = identity_.user, .limit = limit};
  if (!command.after_room.empty()) question.after = RoomName{command.after_room};
  for (const Membership& membership : memberships)
    if (rooms::kind_of(membership.room->name.view()) == rooms::RoomKind::public_)
      question.joined.push_back(membership.room->name);
  shard_.owners().list(speaker(), command.id, std::move(question));
}

void Connection::leave(const Command& command) {
  const RoomName room{command.room};
  if (shard_.subscription(*this, room) == nullptr) return refuse_command(command.id, {.cause = Cause::NOT_JOINED});
  shard_.unsubscribe(*this, room, false);
  std::string json;
  protocol::room_answer(json, "left", command.id, room.view());
  say(json);
}

void Connection::chat(const Command& command) {
  if (command.message.size() > shard_.policy().text_bytes)
    return refuse_command(command.id,
        {.cause = Cause::MESSAGE_TOO_LARGE,
            .evidence = "text_bytes=" + std::to_string(shard_.policy().text_bytes),
            .field = "message"});
  if (auto refusal = control_character(command.message)) return refuse_command(command.id, std::move(*refusal));
  RoomName room{command.room};
  if (room.empty()) room = RoomName{"user:" + identity_.user.str()};
  if (const auto kind = rooms::kind_of(room.view()); !kind) return refuse_command(command.id, kind.error());
  if (auto allowed = rooms::has_scope(rooms::Act::write, identity_.permissions); !allowed)
    return refuse_command(command.id, std::move(allowed).error());
  shard_.port().at_owner(room,
      [speaker = speaker(), id = command.id, room, text = std::string(command.message), key = std::string(command.key)](
          RoomOwners& owners) mutable {
    owners.chat(std::move(speaker), id, std::move(room), std::move(text), std::move(key));
  });
}

void Connection::refresh(const Command& command) {
  if (refreshing_)
    return send_refusal(command.id,
        {.cause = Cause::RATE_LIMITED,
            .evidence = "a token is being checked already",
            .retry_after = Millis{100},
            .field = "token"});
  if (shard_.loop().costly().has_time()) return check_refresh(command.id, command.token, false);
  check_refresh_later(command.id, std::string(command.token), false);
}

void Connection::check_refresh_later(const MessageId& id, std::string token, bool with_newest_keys) {
  refreshing_ = true;
  shard_.when_there_is_time(id_, [id, token = std::move(token), with_newest_keys](Connection& connection) {
    connection.check_refresh(id, token, with_newest_keys);
  });
}

void Connection::check_refresh(const MessageId& id, std::string_view token, bool with_newest_keys) {
  refreshing_ = false;
  if (phase_ != Phase::ready) return;
  auto verified =
      shard_.loop().costly().now([&] { return shard_.deps().verifier.verify(token, shard_.loop().wall()); });
  if (verified || verified.error().cause != Cause::KEY_UNKNOWN || with_newest_keys || !shard_.deps().refresh_keys)
    return refreshed(id, std::move(verified));
  refreshing_ = true;
  shard_.refresh_keys(id_, [id, token = std::string(token)](Connection& connection, Result<bool> newer) mutable {
    if (newer)
      return connection.shard_.loop().costly().has_time() ? connection.check_refresh(id, token, true)
                                                          : connection.check_refresh_later(id, std::move(token), true);
    connection.refreshing_ = false;
    if (connection.phase_ == Phase::ready) connection.refreshed(id, std::unexpected(std::move(newer).error()));
  });
}

void Connection::refreshed(const MessageId& id, Result<Identity> verified) {
  if (!verified) return send_refusal(id, std::move(verified).error());
  if (auto refusal = shard_.deps().revocations.check(*verified, shard_.loop().now()))
    return send_refusal(id, std::move(*refusal));
  if (verified->user != identity_.user) return send_refusal(id, {.cause = Cause::USER_MISMATCH});
  if (!verified->permissions.chat_read && !verified->permissions.chat_write)
    return send_refusal(
        id, {.cause = Cause::PERMISSION_DENIED, .evidence = "the new token has neither chat:read nor chat:write"});
  identity_ = std::move(*verified);
  expiry_told_ = false;
  schedule();
  std::string json;
  protocol::refreshed(json, id, identity_.expires_at);
  say(json);
  if (!identity_.permissions.chat_read) leave_all();
}

// The new token may not read any more: what the old one joined ends, and is told.
void Connection::leave_all() {
  while (!memberships.empty()) {
    const RoomName room = memberships.back().room->name;
    shard_.unsubscribe(*this, room, false);
    std::string json;
    protocol::room_answer(json, "left", std::nullopt, room.view());
    say(json);
  }
}

} // namespace foyer::gateway

// Asks the application whether a user may join a room, and whether a message may be published.
#include <fmt/format.h>

#include "gateway/answer.h"

namespace foyer::gateway {

// Takes the command out of the order of the others; later commands about the room wait for it.
std::optional<ReplyTo> Session::hold_room(ReplyTo to, const RoomName& room) {
  auto& asked = extras().asked;
  if (!asked) asked = std::make_unique<AskedRooms>();
  if (asked->full() || asked->holds(room.view())) {
    shard().refuse(to,
        {.cause = Cause::BUSY,
            .evidence = fmt::format("questions to the application are pending for {} rooms of this connection, or for "
                                    "this room",
                AskedRooms::kMost),
            .retry_after = Millis{1'000}});
    return std::nullopt;
  }
  const std::uint64_t before = std::exchange(to.command, asked->hold(room));
  answered(before, [] {});
  return to;
}

// Lets a command wait for the question about its room. False: there is none.
bool Session::wait_for_room(std::string_view text, const protocol::Command& command) {
  if (!extras_ || !extras_->asked || CommandOrder::immediate(command.type)) return false;
  const std::string room = room_of(command);
  AskedRooms& asked = *extras_->asked;
  if (room.empty() || !asked.holds(room)) return false;
  if (!asked.wait(room, {.type = command.type, .id = command.id, .text = std::string(text), .refusal = {}}))
    link_.end({.cause = Cause::BUSY,
        .evidence = "waiting_commands: too many commands wait for the application's answer",
        .retry_after = Millis{1'000}});
  return true;
}

// The commands that waited are next; answered() starts them.
void Session::let_room_go(std::uint64_t number) {
  if (!extras_ || !extras_->asked) return;
  auto waiting = extras_->asked->let_go(number);
  if (extras_->asked->empty()) extras_->asked.reset();
  if (!waiting.empty()) order_.wait_first(std::move(waiting));
}

std::string Session::room_of(const protocol::Command& command) const {
  using enum protocol::CommandType;
  if (command.type == chat && command.room.empty()) return "user:" + std::string(identity_.user());
  return std::string(command.room);
}

void Session::ask_to_join(JoinTicket ticket, rooms::JoinRequest request, std::optional<Identity> token) {
  const auto to = hold_room(ticket.to, ticket.room);
  if (!to) return;
  ticket.to = *to;
  asking::SubscribeQuestion question{.client = asking_client(), .room = ticket.room};
  shard().deps().application->subscribe(std::move(question),
      shard().to_session<asking::SubscribeAnswer>(link_.id(),
          [ticket = std::move(ticket), request = std::move(request), token = std::move(token)](
              Session& session, Result<asking::SubscribeAnswer> said) mutable {
    session.join_allowed(std::move(ticket), std::move(request), token, std::move(said));
  }));
}

void Session::join_allowed(JoinTicket ticket, rooms::JoinRequest request, const std::optional<Identity>& token,
    Result<asking::SubscribeAnswer> said) {
  if (!link_.open()) return;
  if (!said) return shard().refuse(ticket.to, std::move(said).error());
  if (said->disconnect) return end_as_answered(ticket.to.id, std::move(*said->disconnect));
  start_join(std::move(ticket), std::move(request), token, said->expires_at.value_or(WallTime{}));
}

void Session::ask_to_publish(MessageId id, rooms::PublishRequest request) {
  const auto to = hold_room(reply_to(id), request.room);
  if (!to) return;
  asking::PublishQuestion question{.client = asking_client(),
      .room = request.room,
      .chat = request.type == rooms::BodyType::text,
      .data = request.text};
  shard().deps().application->publish(std::move(question),
      shard().to_session<asking::PublishAnswer>(link_.id(),
          [to = *to, request = std::move(request)](Session& session, Result<asking::PublishAnswer> said) mutable {
    session.publish_allowed(to, std::move(request), std::move(said));
  }));
}

void Session::publish_allowed(ReplyTo to, rooms::PublishRequest request, Result<asking::PublishAnswer> said) {
  if (!link_.open()) return;
  if (!said) return shard().refuse(to, std::move(said).error());
  if (said->disconnect) return end_as_answered(to.id, std::move(*said->disconnect));
  if (said->data) {
    request.text = std::move(*said->data);
    if (auto refusal = unfit(request, "data")) {
      refusal->evidence = fmt::format("the application's data: {} {}", refusal->code(), refusal->evidence);
      refusal->cause = Cause::APP_ANSWER_INVALID;
      refusal->retry_after = Millis{1'000};
      return shard().refuse(to, std::move(*refusal));
    }
  }
  auto by = actor_in(request.room.view());
  by.app_lets_write = true;
  shard().rooms().publish(std::move(by), std::move(request), shard().answer_to<rooms::Published>(to));
}

} // namespace foyer::gateway

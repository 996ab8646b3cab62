// Commands about people and invitations: `direct`, `invite`, and the answers to invitations.
#include "gateway/answer.h"
#include "rooms/model/access.h"

namespace foyer::gateway {

using protocol::Command;
using protocol::CommandType;

void Session::about_person(const Command& command) {
  if (auto allowed = rooms::may_create(identity_.permissions()); !allowed)
    return refuse_command(command.id, std::move(allowed).error());
  if (!command.user.empty() && !rooms::kind_of("user:" + std::string(command.user)).has_value())
    return refuse_command(command.id, {.cause = Cause::BAD_MESSAGE, .evidence = "not a user id", .field = "user"});
  const bool direct = command.type == CommandType::direct;
  if (direct && command.user == identity_.user())
    return refuse_command(
        command.id, {.cause = Cause::BAD_MESSAGE, .evidence = "a direct room needs another user", .field = "user"});
  const std::string field = command.user.empty() ? "name" : "user";
  auth::PersonRequest question{.id = std::string(command.user), .name = std::string(command.name)};
  shard().find_person(*this, std::move(question),
      [&shard = shard(), by = actor_in(command.room), to = reply_to(command.id), room = RoomName{command.room}, direct,
          field](Result<std::optional<auth::Person>> found) mutable {
    const auto refuse = [&](Refusal refusal) { shard.refuse(to, std::move(refusal)); };
    if (!found) return refuse(std::move(found).error());
    if (!*found) return refuse({.cause = Cause::NO_SUCH_PERSON, .field = field});
    UserId user = std::move((*found)->id);
    if (direct) return shard.rooms().direct(std::move(by), std::move(user), shard.answer_to<rooms::RoomCreated>(to));
    shard.rooms().invite(std::move(by), std::move(room), std::move(user), shard.answer_to<rooms::UserInvited>(to));
  });
}

// Users of other issuers can be invited once they have been admitted.
void Session::introduce() {
  if (identity_.own_account() || shard().deps().directory == nullptr) return;
  shard().remember_person({user(), std::string(identity_.name())});
}

} // namespace foyer::gateway

// Blocks of users and revocations of tokens.
#include <chrono>
#include <utility>

#include "api/handlers.h"

namespace foyer::api {
namespace {

UserId user_of(const Call& call) { return UserId{call.arguments.text("user")}; }

// A field that is a time in seconds.
std::optional<WallTime> time_of(const Call& call, std::string_view field) {
  const auto seconds = call.arguments.number(field);
  if (!seconds) return std::nullopt;
  return from_unix_seconds(*seconds);
}

// Whether the key may; otherwise the call is refused.
bool may_end(Call& call) {
  auto may = call.caller().rights.check(rooms::ApiRight::endings);
  if (!may) call.refuse(std::move(may).error());
  return may.has_value();
}

Completion<bool> done_by(Call call) {
  return [call = std::move(call)](Result<bool> done) mutable {
    if (!done) return call.refuse(std::move(done).error());
    call.answer("{}");
  };
}

} // namespace

void block_user(const Context& context, Call call) {
  if (!may_end(call)) return;
  UserId user = user_of(call);
  const auto until = time_of(call, "expire_at");
  context.endings.block_user(std::move(user), until, done_by(std::move(call)));
}

void unblock_user(const Context& context, Call call) {
  if (!may_end(call)) return;
  UserId user = user_of(call);
  context.endings.unblock_user(std::move(user), done_by(std::move(call)));
}

void revoke_token(const Context& context, Call call) {
  if (!may_end(call)) return;
  TokenId token{call.arguments.text("uid")};
  context.endings.revoke_token(std::move(token), done_by(std::move(call)));
}

void invalidate_user_tokens(const Context& context, Call call) {
  if (!may_end(call)) return;
  UserId user = user_of(call);
  const auto before = time_of(call, "issued_before");
  context.endings.invalidate_user_tokens(std::move(user), before, done_by(std::move(call)));
}

} // namespace foyer::api

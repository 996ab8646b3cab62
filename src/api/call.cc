#include "api/call.h"

namespace foyer::api {

rooms::Actor actor_of(const Context& context, const Caller& caller) {
  rooms::Actor actor{.user = caller.user,
      .name = caller.name,
      .permissions = {.chat_read = true, .chat_write = true, .admin = true},
      .use = context.use};
  if (const auto* key = std::get_if<ApiKeyId>(&caller.id)) actor.from = *key;
  if (const auto* client = std::get_if<ClientId>(&caller.id)) actor.from = *client;
  return actor;
}

std::optional<Refusal> reserved_id(const Arguments& arguments, std::string_view field) {
  const std::string_view user = arguments.text(field);
  if (!user.starts_with("app:") && !user.starts_with("system:")) return std::nullopt;
  return Refusal{.cause = Cause::BAD_REQUEST,
      .evidence = "a reserved id",
      .field = std::string(field),
      .detail = "Ids that begin with app: or system: are not those of people."};
}

} // namespace foyer::api

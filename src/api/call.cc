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

} // namespace foyer::api

#include "api/call.h"

namespace foyer::api {

rooms::Actor Call::actor(const Context& context) const {
  rooms::Actor actor{.user = caller_->user,
      .name = caller_->name,
      .permissions = {.chat_read = true, .chat_write = true, .admin = true},
      .use = context.use};
  if (const auto* key = std::get_if<ApiKeyId>(&caller_->id)) actor.from = *key;
  if (const auto* client = std::get_if<ClientId>(&caller_->id)) actor.from = *client;
  return actor;
}

} // namespace foyer::api

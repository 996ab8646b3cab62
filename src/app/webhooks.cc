#include "app/webhooks.h"

#include <string_view>
#include <vector>

namespace foyer::app {

Webhooks::Webhooks(engine::ChatStore& chat, const Environment& around)
    : began_(around.clock.wall()),
      announcer_(chat.outbox(), around.control, around.clock, around.metrics),
      sender_({.hooks = chat.hooks(),
          .outbox = chat.outbox(),
          .control = around.control,
          .clock = around.clock,
          .entropy = around.entropy,
          .log = around.log,
          .metrics = around.metrics,
          .seal = around.seal,
          .connect = around.post,
          .user_agent = "foyer/" + around.build.version}) {}

void Webhooks::watch(admission::UserConnections& users) {
  users.watch([this](const UserId& user, bool online) {
    if (online)
      announcer_.online(user.view());
    else
      announcer_.offline(user.view());
  });
}

void Webhooks::hear(gateway::GatewayDeps& deps) {
  deps.occupancy = [this](const RoomName& room, bool occupied) {
    if (occupied)
      announcer_.occupied(room.view());
    else
      announcer_.vacated(room.view());
  };
  // What happened before this start was announced then.
  deps.revoked = [this](const auth::RevocationEvent& event) {
    using Event = auth::RevocationEvent;
    if (event.at < began_) return;
    const std::string_view kind = event.kind == Event::Kind::token ? "token"
        : event.kind == Event::Kind::session                       ? "session"
                                                                   : "user";
    announcer_.revoked(kind, event.id, event.at);
  };
}

void Webhooks::hear(access::EndingsDeps& deps) {
  deps.revoked = [this](const engine::Ending& ending) {
    announcer_.revoked(ending.kind == engine::EndingKind::token ? "token" : "user", ending.id, ending.at);
  };
}

} // namespace foyer::app

#include "app/webhooks.h"

#include <string_view>
#include <vector>

namespace foyer::app {

Webhooks::Webhooks(engine::ChatStore& chat, const Environment& environment)
    : began_(environment.clock.wall()),
      announcer_(chat.outbox(), environment.control, environment.clock, environment.metrics),
      sender_({.hooks = chat.hooks(),
          .outbox = chat.outbox(),
          .control = environment.control,
          .clock = environment.clock,
          .entropy = environment.entropy,
          .log = environment.log,
          .metrics = environment.metrics,
          .seal = environment.seal,
          .connect = environment.post,
          .user_agent = "foyer/" + environment.build.version}) {}

void Webhooks::watch(admission::UserConnections& users) {
  users.watch([this](const UserId& user, bool online) {
    if (online)
      announcer_.online(user.view());
    else
      announcer_.offline(user.view());
  });
}

void Webhooks::watch(gateway::GatewayDeps& deps) {
  deps.occupancy = [this](const RoomName& room, bool occupied) {
    if (occupied)
      announcer_.occupied(room.view());
    else
      announcer_.vacated(room.view());
  };
  // Events before this start have been announced by the process of that time.
  deps.revoked = [this](const auth::RevocationEvent& event) {
    using Event = auth::RevocationEvent;
    if (event.at < began_) return;
    const std::string_view kind = event.kind == Event::Kind::token ? "token"
        : event.kind == Event::Kind::session                       ? "session"
                                                                   : "user";
    announcer_.revoked(kind, event.id, event.at);
  };
}

void Webhooks::watch(access::EndingsDeps& deps) {
  deps.revoked = [this](const engine::Ending& ending) {
    announcer_.revoked(ending.kind == engine::EndingKind::token ? "token" : "user", ending.id, ending.at);
  };
}

} // namespace foyer::app

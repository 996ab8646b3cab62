// The webhooks of a server: one sender, and one announcer with all who have something to announce.
#pragma once

#include "access/endings.h"
#include "admission/limits.h"
#include "app/environment.h"
#include "gateway/deps.h"
#include "hooks/announcer.h"
#include "hooks/sender.h"

namespace foyer::app {

class Webhooks {
 public:
  // Both outlive it.
  Webhooks(engine::ChatStore& chat, const Environment& around);

  void watch(admission::UserConnections& users);
  void hear(gateway::GatewayDeps& deps); // before the gateway is made
  void hear(access::EndingsDeps& deps);  // likewise
  void start() { sender_.start(); }

 private:
  const WallTime began_;
  hooks::Announcer announcer_;
  hooks::Sender sender_;
};

} // namespace foyer::app

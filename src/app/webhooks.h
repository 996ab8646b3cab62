// The webhooks of a server: one sender, and one announcer that observes connections, rooms and revocations.
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
  // Both must outlive this.
  Webhooks(engine::ChatStore& chat, const Environment& environment);

  void watch(admission::UserConnections& users);
  void watch(gateway::GatewayDeps& deps); // registers the observers; before the gateway is made
  void watch(access::EndingsDeps& deps);  // the same, before the endings are made
  void start() { sender_.start(); }

 private:
  const WallTime began_;
  hooks::Announcer announcer_;
  hooks::Sender sender_;
};

} // namespace foyer::app

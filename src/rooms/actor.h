// The actor of a request to rooms: a session of a client, or the server itself.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "base/ids.h"
#include "base/refusal.h"
#include "rooms/model/session_key.h"
#include "rooms/user_use.h"

namespace foyer::rooms {

struct System {}; // the server, or a caller without a session

struct Actor {
  UserId user;
  std::string name; // shown to others
  Permissions permissions;
  std::variant<System, SessionKey> from = {}; // events that concern one user skip the session that caused them
  std::shared_ptr<UserUse> use;               // this user's use over all sessions; never null
};

} // namespace foyer::rooms

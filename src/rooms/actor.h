// Who acts in rooms: a session of a client, or the server itself.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "base/ids.h"
#include "base/refusal.h"
#include "rooms/user_use.h"

namespace foyer::rooms {

struct System {}; // the server, or a caller that is no session
// A session; events that concern one user name the session that already knows of them.
struct SessionKey {
  std::uint64_t value = 0;
  friend bool operator==(const SessionKey&, const SessionKey&) = default;
};

struct Actor {
  UserId user;
  std::string name; // shown to others
  Permissions permissions;
  std::variant<System, SessionKey> from = {};
  std::shared_ptr<UserUse> use; // what this user takes over all sessions; never null
};

} // namespace foyer::rooms

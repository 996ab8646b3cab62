// Who makes a request to rooms: a session of a client, an application over the server API, or the server itself.
//
// The rights of an application belong to its API key and are checked before the room service is called. Rooms therefore
// let an application read, write and manage every room, and apply no limit of a user to it.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "base/ids.h"
#include "base/refusal.h"
#include "rooms/model/session_key.h"
#include "rooms/user_use.h"

namespace foyer::rooms {

struct System {}; // the server itself, or a caller without a session

struct Actor {
  UserId user;
  std::string name; // shown to others
  Permissions permissions;
  std::variant<System, SessionKey, ApiKeyId, ClientId> from =
      {};                      // events that concern one user skip the session that caused them
  UserUsePtr use;              // the user's consumption over all sessions
  bool has_token = false;      // a token of the user names the room of the request
  bool app_let_in = false;     // the application was asked and lets the user read the room
  bool app_lets_write = false; // the application was asked and lets the user publish this message
  bool let_in = false;         // an application joined the session to the room, a public one: it may read there

  [[nodiscard]] bool is_application() const {
    return std::holds_alternative<ApiKeyId>(from) || std::holds_alternative<ClientId>(from);
  }
  // The user whose membership the directory checks. Empty: no check, every room is opened.
  [[nodiscard]] UserId requester() const { return is_application() ? UserId{} : user; }
};

} // namespace foyer::rooms

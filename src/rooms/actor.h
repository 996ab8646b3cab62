// The actor of a request to rooms: a session of a client, an application over the server API, or the server itself.
//
// An application has rights of its own, which are checked before rooms are asked: for rooms it is neither a member nor
// a stranger. It reads, writes and manages every room, and no limit of a user holds for it.
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
  std::variant<System, SessionKey, ApiKeyId, ClientId> from =
      {};                       // events that concern one user skip the session that caused them
  std::shared_ptr<UserUse> use; // this user's use over all sessions; never null
  bool has_token = false;       // a token of this user names the room of the request
  bool app_let_in = false;      // the application, which was asked, lets the user read this room
  bool app_lets_write = false;  // and publish this
  bool let_in = false;          // an application joined it to the public room of the request: it may read there

  [[nodiscard]] bool is_application() const {
    return std::holds_alternative<ApiKeyId>(from) || std::holds_alternative<ClientId>(from);
  }
  // Of whom membership is asked. Empty: of nobody, the directory opens every room.
  [[nodiscard]] UserId requester() const { return is_application() ? UserId{} : user; }
};

} // namespace foyer::rooms

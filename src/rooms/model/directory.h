// Requests about rooms and their members, and the answers, as values. engine/room_directory.h documents them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "rooms/model/room.h"

namespace foyer::rooms {

struct RoomRow {
  RoomName room;
  RoomKind kind{};
  Epoch epoch;
  Offset offset = 0;
  std::vector<UserId> members;        // private and direct only
  WallTime time{};                    // of the message at `offset`, if requested and present; otherwise zero
  std::optional<Offset> doubted = {}; // see engine::RoomLog::doubt
  Offset change = 0;                  // the number of the last change
  bool made = false;                  // created by this request
  UserId creator = {};                // private only
};

struct OpenRequest {
  RoomName room;
  UserId by = {};    // the requester, who must be a member of a private or direct room; empty: the server itself
  bool make = false; // create a public or own room that does not exist; it counts as a new room of `by`
};

// The rooms visible to a user, in pages: first the user's own room, its private and direct rooms and the public rooms
// of `joined`, then the other public rooms; each part sorted by name.
struct RoomsRequest {
  UserId user;
  std::vector<RoomName> joined = {};  // public rooms
  std::optional<RoomName> after = {}; // the last one of the previous page
  std::uint32_t limit = 1'000;
};
struct RoomNames {
  std::vector<RoomName> rooms;
  bool more = false;
};
struct RoomsPage {
  std::vector<RoomRow> rooms; // without their members
  bool more = false;
};

// An invitation into a private room, or a request for a direct one.
struct Invitation {
  RoomName room;
  Author from;
  WallTime expires{};
};
struct InvitationPage {
  std::vector<Invitation> invitations; // newest first
  bool more = false;
};
// The result of an invitation into a private room.
struct Invited {
  bool member = false; // the user is a member already
  bool is_new = false; // the other person must be notified
  WallTime expires{};
};
// The result of a request for a direct room.
struct Direct {
  RoomRow room;
  bool requested = false; // the other person must be notified: the request is new
  bool entered = false;   // the request accepted that of the other person: the requester is a new member
  WallTime expires{};
};

// How long an invitation or a request for a direct room can be answered. A declined one is kept for the same time,
// hidden, so that its sender cannot repeat it.
inline constexpr Millis kInvitationLife{std::chrono::days{14}};
inline constexpr std::uint32_t kInvitationsShown = 100; // in one answer

} // namespace foyer::rooms

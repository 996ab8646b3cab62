// Requests about rooms and their members, and their answers, as values. Their meaning is in
// engine/room_directory.h.
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
  bool made = false;                  // created by this very request
  UserId creator = {};                // private only
};

struct OpenRequest {
  RoomName room;
  UserId by = {};    // the requester, who must belong to a private or direct room; empty: the server itself
  bool make = false; // a public or own room that does not exist is created, and counts as one of `by`
};

// The rooms that a user sees, in pages: first its own, the private and direct ones it belongs to and
// the public ones of `joined`, then the other public ones; both parts sorted by name.
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
  bool member = false; // belongs to it already
  bool is_new = false; // the other person must be notified
  WallTime expires{};
};
// The result of a request for a direct room.
struct Direct {
  RoomRow room;
  bool requested = false; // the other person must be notified: the request is new
  bool entered = false;   // `by` was no member before: the request accepted that of the other person
  WallTime expires{};
};

// How long an invitation, or the request for a direct room, waits for an answer. A declined one
// stays as long, hidden, so that its sender cannot repeat it.
inline constexpr Millis kInvitationLife{std::chrono::days{14}};
inline constexpr std::uint32_t kInvitationsShown = 100; // in one answer

} // namespace foyer::rooms

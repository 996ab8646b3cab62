// Requests about rooms and who belongs to them, and their answers, as values. What they mean is in
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
  WallTime time{};                    // of the message at `offset`, where it was asked and is there; else zero
  std::optional<Offset> doubted = {}; // see engine::RoomLog::doubt
  Offset change = 0;                  // the number of the last change
  bool made = false;                  // by this very question
  UserId creator = {};                // private only
};

struct OpenRequest {
  RoomName room;
  UserId by = {};    // who asks, and must belong to a private or direct room; empty: the server itself
  bool make = false; // a public or own room that does not exist: it is made, and counts as one of `by`
};

// The rooms that a user sees, a page at a time: first its own, the private and direct ones it belongs to and
// the public ones of `joined`, then the other public ones; both parts in the order of their names.
struct RoomsRequest {
  UserId user;
  std::vector<RoomName> joined = {};  // public rooms
  std::optional<RoomName> after = {}; // the last one of the page before
  std::uint32_t limit = 1'000;
};
struct RoomsPage {
  std::vector<RoomRow> rooms; // without their members
  bool more = false;
};

// Somebody is asked into a private room, or into a direct one that another person began.
struct Invitation {
  RoomName room;
  Author from;
  WallTime expires{};
};
struct InvitationPage {
  std::vector<Invitation> invitations; // newest first
  bool more = false;
};
// What came of asking somebody into a private room.
struct Invited {
  bool member = false; // belongs to it already
  bool is_new = false; // the other person has to be notified
  WallTime expires{};
};
// What came of asking for a direct room.
struct Direct {
  RoomRow room;
  bool requested = false; // the other person has to be notified: the request is new
  bool entered = false;   // `by` did not belong to it before: asking for it accepted the other person's request
  WallTime expires{};
};

// How long an invitation, or the request of a direct room, waits for an answer. One that was declined
// stays as long, unseen, so that its sender cannot repeat it.
inline constexpr Millis kInvitationLife{std::chrono::days{14}};
inline constexpr std::uint32_t kInvitationsShown = 100; // in one answer

} // namespace foyer::rooms

// What a room is and what is said in it, as values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "base/refusal.h"

namespace foyer::rooms {

enum class RoomKind : std::uint8_t {
  public_,  // tea: anybody, created by its first join
  private_, // private:x: members
  direct,   // direct:…: two members
  own,      // user:ID: that user alone
};
[[nodiscard]] std::string_view to_string(RoomKind kind); // "public", "private", "direct", "own"
// The kind a name stands for; ROOM_NAME_INVALID if it is none.
[[nodiscard]] Result<RoomKind> kind_of(std::string_view room);

struct Author {
  UserId id;
  std::string name;
};

struct Message {
  Offset offset = 0;
  Author from;
  std::string text;
  WallTime time{};
  std::string key;      // empty: none
  bool deleted = false; // its text is gone for good and empty here; it keeps its offset
};

// What happened to messages that were said before. A room numbers its changes from 1
// without gaps, beside its offsets, so that whoever comes back learns of those it missed.
enum class ChangeKind : std::uint8_t {
  deleted = 1,         // the text of the message at `offset` is gone
  author_detached = 2, // the account `user` is gone: all its messages have lost the name
};
struct Change {
  Offset number = 0;
  ChangeKind kind{};
  Offset offset = 0; // of the message, if it is about one
  UserId user = {};  // author_detached
};

// The name that an author has whose account is gone.
inline constexpr std::string_view kDetachedName = "deleted user";

} // namespace foyer::rooms

// Rooms and their messages, as values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "base/refusal.h"

namespace foyer::rooms {

enum class RoomKind : std::uint8_t {
  public_,  // tea: anyone, created by the first join
  private_, // private:x: members
  direct,   // direct:…: two members
  own,      // user:ID: that user alone
};
[[nodiscard]] std::string_view to_string(RoomKind kind); // "public", "private", "direct", "own"
// The kind of a name; ROOM_NAME_INVALID if it has none.
[[nodiscard]] Result<RoomKind> kind_of(std::string_view room);

struct Author {
  UserId id;
  std::string name;
};

// What the body of a message is.
enum class BodyType : std::uint8_t {
  text, // written by a person
  data, // written by an application: a JSON value as compact JSON text. The caller validates it (json::compact);
        // rooms do not parse it.
};

struct Message {
  Offset offset = 0;
  Author from;
  std::string text; // or JSON text
  WallTime time{};
  std::string key;      // empty: none
  bool deleted = false; // the body was erased: `text` is empty and `type` is text; the offset stays
  BodyType type = BodyType::text;
};

// A change to earlier messages. A room numbers its changes from 1 without gaps, independently of its offsets, so that
// returning clients get those that they missed.
enum class ChangeKind : std::uint8_t {
  deleted = 1,         // the text of the message at `offset` was erased
  author_detached = 2, // the account of `user` was deleted: its messages lose the name
  author_erased = 3,   // `user` is forgotten: the messages have lost name and text
};
struct Change {
  Offset number = 0;
  ChangeKind kind{};
  Offset offset = 0; // of the message, if the change is about one
  UserId user = {};  // of author_detached and author_erased
  [[nodiscard]] bool of_author() const { return kind != ChangeKind::deleted; }
};

// What becomes of the messages of an author who is gone. They keep their offsets and the id of the author.
enum class Forget : std::uint8_t { name, name_and_texts };

// The name shown for an author whose account was deleted.
inline constexpr std::string_view kDetachedName = "deleted user";

} // namespace foyer::rooms

// What a key of the server API may do: a set of rights, each a word. Rights about rooms have a pattern of room names.
//
//   publish:orders-*  read:*  users:read  export
//
// A pattern is a room name in which `*` matches any characters. It applies to private, direct and own rooms only if it
// begins with their prefix: `read:*` covers public rooms, `read:private:*` private ones. What no right allows is
// denied.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/refusal.h"

namespace foyer::rooms {

inline constexpr std::size_t kMostRights = 100; // of one key
inline constexpr std::size_t kRightBytes = 200; // of one right

enum class RoomRight : std::uint8_t {
  publish,  // publish data and messages
  read,     // history, presence, and who is connected to a room
  rooms,    // create and delete rooms
  members,  // add and remove members
  moderate, // delete messages of others, remove history
};
enum class ApiRight : std::uint8_t {
  users_read,  // names, and who is online
  users_write, // make people known, forget them
  export_,     // all that is stored about a person
  connections, // list, disconnect, subscribe and unsubscribe connections
  endings,     // block users, revoke tokens
  as_user,     // act in the name of any user
};
[[nodiscard]] std::string_view to_string(RoomRight right); // "publish"
[[nodiscard]] std::string_view to_string(ApiRight right);  // "users:read"

class ApiRights {
 public:
  // INVALID_VALUE for an unknown right, with the list of known ones, for a bad pattern, and for too many.
  [[nodiscard]] static Result<ApiRights> parse(std::span<const std::string> rights);
  [[nodiscard]] static ApiRights all(); // the operator's key: everything, in every room

  [[nodiscard]] bool may(RoomRight right, const RoomName& room) const;
  [[nodiscard]] bool may(ApiRight right) const { return plain_.at(static_cast<std::size_t>(right)); }
  // In at least one room: otherwise a list of rooms would be empty.
  [[nodiscard]] bool may_somewhere(RoomRight right) const;

  // PERMISSION_DENIED whose evidence is the missing right, `publish:tea` or `export`.
  [[nodiscard]] Result<void> check(RoomRight right, const RoomName& room) const;
  [[nodiscard]] Result<void> check(ApiRight right) const;

  // The rights as they were given.
  [[nodiscard]] const std::vector<std::string>& words() const { return words_; }

 private:
  struct InRooms {
    RoomRight right{};
    std::string pattern;
  };
  [[nodiscard]] Result<void> add(const std::string& word);

  std::vector<std::string> words_;
  std::vector<InRooms> in_rooms_;
  std::array<bool, 6> plain_{};
  bool all_ = false;
};

} // namespace foyer::rooms

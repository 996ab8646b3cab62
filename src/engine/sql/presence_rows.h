// Who is in which room on which node, as rows of PostgreSQL (presence_store.h): jobs of a writer, each inside its
// transaction. A row is one user in one room, with the nodes that have the user there; it is the lock of that user
// there. A node that has no lease does not count, and `self` always does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/presence_store.h"
#include "store/database.h"

namespace foyer::engine {

struct PresentUser {
  RoomName room;
  UserId user;
  std::string name = {};
};
struct PresentUserChange {
  PresentUser who;
  bool changed = false;    // came, or left
  std::size_t count = 0;   // users in the room then
  std::uint64_t order = 0; // PresenceChange::order: by the server's clock, while it holds the rows
};

// When a user has come:
enum class PresentPut : std::uint8_t {
  first,  // no node that counts had the user in the room
  again,  // there was no row, so others have been told that the user left
  untold, // no other node has the user there, and whoever was told that the user came, it was not by this one
};
// `self` has them, each named once. Answers are in the order of `users`.
[[nodiscard]] Result<std::vector<PresentUserChange>> put_present(
    store::Database& db, std::string_view self, const std::vector<PresentUser>& users, PresentPut how);
// `node` no longer has them. Likewise; the names are those of who left.
[[nodiscard]] Result<std::vector<PresentUserChange>> remove_present(
    store::Database& db, std::string_view self, std::string_view node, const std::vector<PresentUser>& users);
// Those of `users`, all of one room, that no node has there.
[[nodiscard]] Result<std::vector<PresentUser>> absent_of(
    store::Database& db, std::string_view self, const std::vector<PresentUser>& users);
// Of a room now.
struct PresentCount {
  std::size_t users = 0;
  std::uint64_t order = 0;
};
// In the order of `rooms`.
[[nodiscard]] Result<std::vector<PresentCount>> count_present(
    store::Database& db, std::string_view self, const std::vector<RoomName>& rooms);
[[nodiscard]] Result<PresentMembers> read_present(
    store::Database& db, std::string_view self, const RoomName& room, std::size_t most);
// Users of a node, in one room or (empty) in all; at most so many.
[[nodiscard]] Result<std::vector<PresentUser>> present_of(
    store::Database& db, std::string_view node, std::string_view room, std::size_t most);

// False: the lease has ended. `fresh`: begins it.
[[nodiscard]] Result<bool> renew_presence(store::Database& db, std::string_view node, Millis life, bool fresh);
// Names what the tables remember: another name, and they have lost everything.
[[nodiscard]] Result<std::string> presence_era(store::Database& db);
// A node whose lease has ended and that nobody else is removing. It is the caller's for `life`, or until it is
// forgotten. Empty: none.
[[nodiscard]] Result<std::string> win_dead(store::Database& db, std::string_view self, Millis life);
[[nodiscard]] Result<void> forget_dead(store::Database& db, std::string_view node, std::string_view self);

} // namespace foyer::engine

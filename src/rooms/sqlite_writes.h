// The changes of the chat store, as jobs of its writer. Owned by the writer's
// thread. It remembers ids and last offsets, so that an append reads nothing: the
// memory is right for the transaction that runs, and is forgotten when one is undone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "rooms/store.h"
#include "store/database.h"

namespace foyer::rooms {

class SqliteWrites {
 public:
  struct Limits {
    std::uint32_t room_members = 0;   // of a private room
    std::uint32_t rooms_per_user = 0; // private rooms created by one user
  };
  SqliteWrites(const Clock& clock, Entropy& entropy, Limits limits) : clock_(clock), entropy_(entropy), limits_(limits) {}

  // Runs one job; when it refuses, what it has made is undone, so it is forgotten here.
  template <class T, class Job>
  Result<T> run(Job& job) {
    made_rooms_.clear();
    made_names_.clear();
    Result<T> result = job(*this);
    if (!result) forget_made();
    return result;
  }

  [[nodiscard]] Result<RoomRow> open(store::Database& db, const RoomName& room);
  [[nodiscard]] Result<RoomRow> create(store::Database& db, const RoomName& room, const UserId& by);
  [[nodiscard]] Result<RoomRow> direct(store::Database& db, const UserId& a, const UserId& b);
  [[nodiscard]] Result<bool> add_member(store::Database& db, const RoomName& room, const UserId& user);
  [[nodiscard]] Result<bool> remove_member(store::Database& db, const RoomName& room, const UserId& user);
  [[nodiscard]] Result<Appended> append(store::Database& db, const AppendQuestion& question);
  [[nodiscard]] Result<Offset> erase(store::Database& db, const RoomName& room, Offset offset, const UserId& by, bool any);
  [[nodiscard]] Result<bool> detach_author(store::Database& db, const UserId& user);

  // Writes the last offsets of the rooms that were appended to.
  [[nodiscard]] Result<void> flush(store::Database& db);
  void forget(); // everything

  // Appended since it was last asked.
  [[nodiscard]] std::uint64_t appended() const { return appended_; }
  void reset_appended() { appended_ = 0; }

 private:
  struct Room {
    std::int64_t id = 0;
    RoomKind kind{};
    std::string epoch;
    Offset last = 0;
    WallTime active{};
    bool dirty = false; // last and active are newer than the row
  };

  // Null: there is none of that name.
  [[nodiscard]] Result<Room*> find(store::Database& db, std::string_view name);
  // Public and own rooms are made; others must be there: NOT_A_MEMBER.
  [[nodiscard]] Result<Room*> find_or_make(store::Database& db, std::string_view name);
  [[nodiscard]] Result<Room*> make(store::Database& db, std::string_view name, RoomKind kind, std::optional<std::string_view> pair, std::optional<std::string_view> creator);
  [[nodiscard]] Result<Room*> private_room(store::Database& db, const RoomName& room);
  [[nodiscard]] Result<std::int64_t> name_id(store::Database& db, const Author& author);
  [[nodiscard]] Result<void> put_member(store::Database& db, std::int64_t room, const UserId& user);
  [[nodiscard]] Result<Appended> first_of_key(store::Database& db, std::int64_t room, const AppendQuestion& question);
  [[nodiscard]] Result<RoomRow> row(store::Database& db, std::string_view name, const Room& room);
  void forget_made();

  const Clock& clock_;
  Entropy& entropy_;
  const Limits limits_;
  std::unordered_map<std::string, Room, TransparentStringHash, std::equal_to<>> rooms_;
  std::unordered_map<std::string, std::int64_t> names_; // by user, zero byte, name
  std::vector<std::string> dirty_;
  std::vector<std::string> made_rooms_;
  std::vector<std::string> made_names_;
  std::uint64_t appended_ = 0;
};

// The members of a room, in the order of their ids.
[[nodiscard]] Result<std::vector<UserId>> members_of(store::Database& db, std::int64_t room_id);

} // namespace foyer::rooms

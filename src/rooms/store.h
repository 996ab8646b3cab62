// Rooms, members and messages as they are kept. One writer thread does all
// changes, in the order of the calls, many to a transaction (group commit); a
// change is answered after its commit and never before. Reads have their own
// connection and thread. Callbacks run on the store's threads and must be short:
// the gateway posts to the owning loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
  std::string key; // empty: none
};

struct RoomRow {
  RoomName room;
  RoomKind kind{};
  Epoch epoch;
  Offset offset = 0;
  std::vector<UserId> members; // private and direct only
};

struct AppendQuestion {
  RoomName room;
  Author from;
  std::string text;
  std::string key; // empty: none
  WallTime time{};
};
struct Appended {
  Offset offset = 0;
  WallTime time{};
  bool duplicate = false; // the key was there before with the same text: offset and time are the first's
};

template <class T>
using Done = std::move_only_function<void(Result<T>)>;

struct HistoryQuestion {
  RoomName room;
  std::optional<Offset> after;  // exclusive: oldest first from here
  std::optional<Offset> before; // exclusive: the newest below this
  std::optional<Offset> up_to;  // inclusive upper bound
  std::uint32_t limit = 50;
};
struct HistoryPage {
  std::vector<Message> messages; // ascending
  bool more = false;             // older ones (before) or newer ones (after) were left out
};

class ChatStore {
 public:
  virtual ~ChatStore() = default;

  // The row of a room; creates public and own rooms that do not exist. Private and
  // direct rooms that do not exist: NOT_A_MEMBER.
  virtual void open(RoomName room, Done<RoomRow> done) = 0;
  // A private room with its first member: ROOM_EXISTS (also when `by` is not a member; the caller hides it).
  virtual void create(RoomName room, UserId by, Done<RoomRow> done) = 0;
  // The direct room of two users, the same whoever asks.
  virtual void direct(UserId a, UserId b, Done<RoomRow> done) = 0;
  virtual void add_member(RoomName room, UserId user, Done<bool> done) = 0;    // false: was one already
  virtual void remove_member(RoomName room, UserId user, Done<bool> done) = 0; // false: was none
  // The offset is given at commit, in the order of the calls. STORE_FULL,
  // STORE_READ_ONLY, STORE_LOCKED, STORE_FAILED; KEY_REUSED for another text under a used key.
  virtual void append(AppendQuestion message, Done<Appended> done) = 0;
  // Empties the text for good; NOT_FOUND if absent, PERMISSION_DENIED if not `by`'s own and not `any`.
  virtual void erase(RoomName room, Offset offset, UserId by, bool any, Done<Offset> done) = 0;
  virtual void history(HistoryQuestion question, Done<HistoryPage> done) = 0;
  // The rooms of a user: its own, private and direct ones it belongs to, and the public ones (newest activity first, at most `limit`).
  virtual void rooms_of(UserId user, std::uint32_t limit, Done<std::vector<RoomRow>> done) = 0;

  [[nodiscard]] virtual Result<bool> probe() = 0;      // can it write now? for /health/ready; any thread, does not block on I/O
  [[nodiscard]] virtual std::size_t queued() const = 0; // gauge
};

} // namespace foyer::rooms

// One room in its home's memory. Only for the files that implement RoomHome.
#pragma once

#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "rooms/room_home.h"

namespace foyer::rooms {

struct RoomHome::Room final : io::Timer {
  Room(RoomHome& h, RoomName n)
      : home(h),
        name(std::move(n)),
        stream(h.policy_.following),
        presence(h.policy_.presence_grace) {}
  void on_timer() override { home.on_timer(*this); }
  [[nodiscard]] const Epoch& epoch() const { return stream.epoch(); }
  [[nodiscard]] Offset offset() const { return stream.delivered(); } // of the last message published

  RoomHome& home;
  RoomName name;
  admission::Permit place;        // charged to the user for whom the room was loaded
  std::vector<Operation> waiting; // until the store has confirmed the room's position
  std::uint32_t in_store = 0;     // requests to the store in progress
  RoomKind kind{};
  RoomSettings settings;              // from the rules, by the room's name
  bool durable = true;                // its history survives a restart
  engine::RoomLog* log = nullptr;     // holds its history: the durable log, that of all nodes, or the home's in memory
  StreamFollower stream;              // what was published, and what is missing before the next event can be
  WallTime time{};                    // of the message at offset(); zero: unknown
  std::optional<Offset> doubted;      // engine::RoomLog::doubt
  bool confirming = false;            // the position was requested from the writer; commands wait
  bool unconfirmed = false;           // the position must be confirmed before the room is used
  std::optional<MonoTime> confirm_at; // time of the next try, after a failure
  std::unordered_set<UserId> members; // if the room has members (has_members)
  UserId creator;                     // of a private room
  Presence presence;                  // the users of this node in the room
  std::size_t present = 0;            // users present, as last reported by the presence store
  struct Ordered {
    std::uint64_t order = 0;
    MonoTime at{};
  };
  std::unordered_map<UserId, Ordered> presence_order; // of recent changes; an event of an earlier one came late
  Audience audience;
  Typing typing;
  bool destroyed = false; // deleted by an application; the next reset tells subscribers so
  Offset change = 0;      // of the last change that was published
  // Of shared rooms (other_nodes.cc).
  struct Behind { // a command that waits until everything up to `head` is delivered
    Offset head = 0;
    Operation operation;
  };
  std::vector<Operation> readers; // wait for the next look
  std::vector<Behind> behind;
  bool looking = false;            // reading where the room stands
  bool look_again = false;         // what is being read may be too old
  std::optional<MonoTime> look_at; // time of the next try, after a failure
  bool members_unread = false;     // of a room in the shared log: they have to be read
  std::uint64_t doubts = 0;        // how often memberships were taken away; an answer from before proves none

  std::vector<Change> fresh_changes; // changes made while the store is being read; its answer may not contain them
  Meter spent;                       // use of allowed_messages_
  std::unordered_map<UserId, Meter> quiet; // users who are still served when `spent` is used up; see crowded()
  bool changed = false;                    // members_changed must be sent
  MonoTime changed_sent{};
  MonoTime idle_since{};
};

// A room that is being loaded or being deleted from the store, and the commands that wait for it.
struct RoomHome::Loading {
  struct Waiting {
    UserId by;
    bool make = false;
    Operation operation;
  };
  std::vector<Waiting> waiting; // in order of arrival
  struct Asked {
    UserUsePtr use;
    admission::Permit place;     // for the loaded room
    std::uint64_t opened_in = 0; // RoomHome::openings_ at that time
    bool make = false;           // the request may create the room, which then counts as one of the user's new rooms
  };
  std::unordered_map<UserId, Asked> asked; // the users for whom the room was requested from the store
  std::vector<UserId> added;               // members added since the request: the row may not contain them
  bool leaving = false;                    // being deleted from the store; requested again after that
  bool moved = false;                      // changed by some node since the request
  bool taken = false;                      // a right in it was taken away since the request
};

struct RoomHome::Joining {
  Actor actor;
  JoinRequest request;
  Completion<Joined> done;
  std::optional<engine::PresentMembers> present = {}; // listed before the history was read
};

// The store may answer after the home is destroyed, as long as the loop exists.
template <class T, class Function>
Completion<T> RoomHome::on_loop(Function function) {
  return [&loop = loop_, alive = alive_, function = std::move(function)](Result<T> result) mutable {
    loop.post([alive = std::move(alive), function = std::move(function), result = std::move(result)]() mutable {
      if (*alive) function(std::move(result));
    });
  };
}

template <class T, class Function>
Completion<T> RoomHome::on_loop(Room& room, Function function) {
  ++room.in_store;
  return on_loop<T>([this, name = room.name, function = std::move(function)](Result<T> result) mutable {
    Room* r = find(name);
    if (r == nullptr) return;
    --r->in_store;
    function(*r, std::move(result));
    schedule(*r);
  });
}

template <class T, class Function>
Completion<T> RoomHome::from_log(Room& room, Function function) {
  if (room.log != &memory_) return on_loop<T>(room, std::move(function));
  return [&room, function = std::move(function)](Result<T> result) mutable { function(room, std::move(result)); };
}

template <class T, class Function>
Completion<T> RoomHome::from_presence(Room& room, Function function) {
  if (outlets_.between) return on_loop<T>(room, std::move(function));
  ++room.in_store;
  return [&room, function = std::move(function)](Result<T> result) mutable {
    --room.in_store;
    function(room, std::move(result));
  };
}

template <class T, class Function>
void RoomHome::in_room(
    const RoomName& name, const Actor& actor, Act act, Load load, Completion<T> done, Function operation) {
  with_room(name, actor, act, load,
      [this, by = actor, act, done = std::move(done), operation = std::move(operation)](Result<Room*> opened) mutable {
    if (!opened) return done(std::unexpected(std::move(opened).error()));
    if (!check(**opened, by, act)) return operation(**opened, std::move(by), std::move(done));
    const Actor actor_there = by; // the operation takes the other one
    if_allowed(**opened, actor_there, act,
        [by = std::move(by), done = std::move(done), operation = std::move(operation)](Result<Room*> allowed) mutable {
      if (!allowed) return done(std::unexpected(std::move(allowed).error()));
      operation(**allowed, std::move(by), std::move(done));
    });
  });
}

} // namespace foyer::rooms

// A room as its home holds it. For the files of RoomHome only.
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
  admission::Permit place;        // in the share of the user who brought it into memory
  std::vector<Operation> waiting; // for the store to confirm where the room stands
  std::uint32_t in_store = 0;     // questions that the store has not answered yet
  RoomKind kind{};
  bool durable = true;                // its history survives a restart
  engine::RoomLog* log = nullptr;     // where its history is: the durable log, or the home's in memory
  StreamFollower stream;              // what was published, and what is missing before the next
  WallTime time{};                    // of the message at offset(); zero: not known
  std::optional<Offset> doubted;      // engine::RoomLog::doubt
  bool confirming = false;            // the writer has been asked where the room stands; commands wait
  bool unconfirmed = false;           // it has to be, before anything else is done with the room
  std::optional<MonoTime> confirm_at; // a try that failed is repeated then
  std::unordered_set<UserId> members; // private and direct
  UserId creator;                     // private
  Presence presence;                  // whom this node has here
  std::size_t present = 0;            // users who are here, as the presence store said last
  Audience audience;
  Typing typing;
  Offset change = 0;                       // of the last change that was published
  std::vector<Change> fresh_changes;       // while the store is being read, which may not show them yet
  Meter heard;                             // of allowed_messages_
  std::unordered_map<UserId, Meter> quiet; // who is still heard while that is used up; see crowded()
  bool changed = false;                    // members_changed is due
  MonoTime changed_sent{};
  MonoTime idle_since{};
};

// A room that is not in memory yet, and the commands that wait for it; or one that is about to leave the store.
struct RoomHome::Loading {
  struct Waiting {
    UserId by;
    bool make = false;
    Operation operation;
  };
  std::vector<Waiting> waiting; // in the order in which they came
  struct Asked {
    std::shared_ptr<UserUse> use;
    admission::Permit place;     // for the room
    std::uint64_t opened_in = 0; // RoomHome::openings_ at that time
    bool make = false; // it was asked to make the room, which counts as a new one unless somebody else was faster
  };
  std::unordered_map<UserId, Asked> asked; // the store was asked in the name of these
  std::vector<UserId> added;               // members since then: the row that is on its way may be older
  bool leaving = false;                    // it is asked once the store has forgotten the room
};

struct RoomHome::Joining {
  Actor actor;
  JoinRequest request;
  Completion<Joined> done;
};

// The store may answer after this is gone, as long as the loop is there.
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
  if (room.durable) return on_loop<T>(room, std::move(function));
  return [&room, function = std::move(function)](Result<T> result) mutable { function(room, std::move(result)); };
}

template <class T, class Function>
Completion<T> RoomHome::here(Room& room, Function function) {
  ++room.in_store;
  return [&room, function = std::move(function)](Result<T> result) mutable {
    --room.in_store;
    function(std::move(result));
  };
}

template <class T, class Function>
void RoomHome::in_room(
    const RoomName& name, const Actor& actor, Act act, Load load, Completion<T> done, Function operation) {
  with_room(name, actor, act, load,
      [this, by = actor, act, done = std::move(done), operation = std::move(operation)](Result<Room*> opened) mutable {
    if (!opened) return done(std::unexpected(std::move(opened).error()));
    if (auto refusal = check(**opened, by, act)) return done(std::unexpected(std::move(*refusal)));
    operation(**opened, std::move(by), std::move(done));
  });
}

} // namespace foyer::rooms

// The log of rooms that are not durable: in memory, bounded, and lost at a restart, after which every room has
// a new epoch. Used on one thread; every answer comes before the call returns.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/metrics.h"
#include "engine/memory/room_history.h"
#include "engine/room_log.h"

namespace foyer::engine {

struct MemoryLogLimits {
  HistoryLimits room;           // of each
  std::size_t bytes = SIZE_MAX; // of texts, in all rooms together; more: BUSY
  RoomRules rules = {};         // history_messages of a rule comes before room.messages
};

class MemoryRoomLog final : public RoomLog {
 public:
  // `now`: the time of its thread. `refused` counts messages refused for lack of bytes; null: not counted. The
  // references outlive this.
  MemoryRoomLog(
      std::function<MonoTime()> now, Entropy& entropy, const MemoryLogLimits& limits, Counter* refused = nullptr)
      : now_(std::move(now)),
        entropy_(entropy),
        limits_(limits.room),
        rules_(limits.rules),
        share_{.limit = limits.bytes, .used = 0, .refused = refused} {}

  void append(AppendRequest message, Completion<Appended> done) override;
  void erase(RoomName room, Offset offset, UserId by, bool any, Completion<Erased> done) override;
  void clear(RoomName room, Completion<bool> done) override;
  void history(HistoryRequest question, Completion<HistoryPage> done) override;
  // Never with members: the directory has those.
  void confirm(RoomName room, Known known, Completion<RoomRow> done) override;
  void doubt(RoomName room, Epoch epoch, Offset head, Completion<Offset> done) override;
  void detach_author(UserId user, Forget what, Completion<Detached> done) override;
  void watch(LogWatch) override {} // it never reconnects
  void release(const RoomName& room) override { rooms_.erase(room); }

  [[nodiscard]] std::size_t bytes() const { return share_.used; } // of texts

 private:
  struct Room {
    Room(Epoch epoch, const HistoryLimits& limits, MemoryShare* share) : history(std::move(epoch), limits, share) {}
    RoomHistory history;
    std::optional<Offset> doubted = {};
  };
  [[nodiscard]] Result<Room*> find_or_make(const RoomName& name); // ROOM_NAME_INVALID
  // The room is behind the caller's knowledge: it gets a new epoch.
  void renew_if_behind(Room& room, const Known& known);

  const std::function<MonoTime()> now_;
  Entropy& entropy_;
  const HistoryLimits limits_;
  const RoomRules rules_;
  MemoryShare share_; // outlives the rooms
  std::unordered_map<RoomName, Room> rooms_;
};

} // namespace foyer::engine

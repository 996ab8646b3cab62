// The log of rooms that live on the bus: their history is the server's, bounded, and shared by all nodes. It is as
// durable as the server: what a restart, a crash or a failover may have lost ends the epoch.
//
// Each call is one script, and calls are carried out in their order. `release` keeps a history: others may use the
// room. Rooms that nobody uses end by themselves.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/redis/names.h"
#include "engine/room_log.h"
#include "engine/values.h"
#include "redis/commands.h"

namespace foyer::engine {

inline constexpr Millis kBusRoomLife{std::chrono::hours{30 * 24}}; // after its last message or confirmation
inline constexpr std::size_t kMostBusMessages = 10'000;            // of one room

struct RedisLogOptions {
  BusNames names = BusNames();
  std::size_t messages = 300;   // of each room, at most kMostBusMessages
  std::size_t bytes = 4u << 20; // of each room, with names and keys; the newest message is kept in any case
  Millis age{0};                // older ones are not shown; 0: all are
  RoomRules rules = {};         // history_messages of a rule comes before `messages`
};

class RedisRoomLog final : public RoomLog {
 public:
  // The references outlive this.
  RedisRoomLog(RedisLogOptions options, redis::Commands& commands, Entropy& entropy, const Clock& clock);
  ~RedisRoomLog() override;

  // Any thread. Answers come on the connection's thread.
  void append(AppendRequest message, Completion<Appended> done) override;
  void erase(RoomName room, Offset offset, UserId by, bool any, Completion<Erased> done) override;
  void clear(RoomName room, Completion<bool> done) override;
  void history(HistoryRequest question, Completion<HistoryPage> done) override;
  // Never with members: the directory has those.
  void confirm(RoomName room, Known known, Completion<RoomRow> done) override;
  void doubt(RoomName room, Epoch epoch, Offset head, Completion<Offset> done) override;
  void detach_author(UserId user, Forget what, Completion<Detached> done) override;
  void forget(RoomName room, Completion<bool> done) override;
  void release(const RoomName&) override {}
  void watch(LogWatch watch) override { watch_ = std::move(watch); }

  // By the owner of `commands`, at each login but the first.
  void connected_again() {
    if (watch_.opened_again) watch_.opened_again();
  }

 private:
  // What begins the arguments of a script that makes the room.
  [[nodiscard]] std::vector<std::string> known_arguments(const Known& known);

  const RedisLogOptions options_;
  redis::Commands& commands_;
  Entropy& entropy_;
  const Clock& clock_;
  LogWatch watch_;
};

} // namespace foyer::engine

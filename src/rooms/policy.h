// The settings of rooms. Options of config/table.h point here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "engine/memory/room_history.h"
#include "rooms/model/room_rules.h"
#include "rooms/model/stream_follower.h"

namespace foyer::rooms {

// Limits of one user, over all connections.
struct UserPolicy {
  std::uint32_t messages_per_s = 0;    // in units of protocol::cost_of; 0: twice those of a connection
  std::uint32_t messages_burst = 0;    // 0: five times those of a connection
  std::uint32_t new_rooms_per_h = 300; // also the largest burst
  std::uint32_t rooms_loaded = 1'000;
};

struct RoomPolicy {
  Millis presence_grace{5'000};
  std::size_t presence_events_limit = 200; // members; above: members_changed
  std::size_t members_shown = 100;
  std::uint32_t history_limit = 300;
  Millis idle_unload{30'000};      // an unused room is unloaded from memory after this time
  Millis idle_forget{3'600'000};   // the same for a room whose history exists only in memory; the history is lost
  RoomRules rules;                 // settings of rooms by name
  engine::HistoryLimits ephemeral; // for each room in memory
  FollowerLimits following;        // of each room's StreamFollower
  // Limits of one home: its share of the process's limits. Beyond: BUSY.
  std::size_t rooms_loaded = 100'000;
  std::size_t memory_bytes = 256 * 1024 * 1024; // of the texts of rooms that are not durable
  std::size_t waiting = 1'000;                  // commands for a room that is being loaded
  // Limits of one room over all its users. Beyond: RATE_LIMITED, except for users who wrote little recently.
  std::uint32_t messages_per_s = 0; // 0: twice those of a connection
  std::uint32_t messages_burst = 0; // 0: five times those of a connection
};

} // namespace foyer::rooms

// The settings of a database of rooms. Options of config/table.h point here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/values.h"

namespace foyer::engine {

// Rooms that one user may have created.
struct RoomsPerUser {
  std::uint32_t private_rooms = 1'000;
  std::uint32_t direct_rooms = 1'000;
  std::uint32_t public_rooms = 1'000;
};

// For a store in any database.
struct StorePolicy {
  std::size_t queue_limit = 10'000;         // changes that may wait for the writer; more: BUSY
  std::uint32_t history_days = 0;           // older messages are deleted; 0: never
  std::uint64_t history_messages = 0;       // number kept in each room; 0: all
  RoomRules rules = {};                     // their history_days and history_messages come before those above
  std::uint32_t room_members = 10'000;      // of a private room; more: ROOM_LIMIT
  RoomsPerUser rooms_per_user = {};         // created by one user; more: ROOM_LIMIT
  std::uint32_t invitations_sent = 200;     // of one sender, unanswered; more: INVITATION_LIMIT
  std::uint32_t invitations_to_one = 5;     // of these to one person
  std::uint32_t invitations_received = 100; // waiting for one person
};

} // namespace foyer::engine

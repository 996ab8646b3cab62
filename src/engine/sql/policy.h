// What a database of rooms is configured with. Options of config/table.h point here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace foyer::engine {

// Rooms that one user may have made.
struct RoomsPerUser {
  std::uint32_t private_rooms = 1'000;
  std::uint32_t direct_rooms = 1'000;
  std::uint32_t public_rooms = 1'000;
};

// Of a store, whichever database it is in.
struct StorePolicy {
  std::size_t queue_limit = 10'000;         // changes that may wait for the writer; more: BUSY
  std::uint32_t history_days = 0;           // messages older than this go; 0: kept
  std::uint64_t history_messages = 0;       // of each room this many are kept; 0: all
  std::uint32_t room_members = 10'000;      // of a private room; more: ROOM_LIMIT
  RoomsPerUser rooms_per_user = {};         // made by one user; more: ROOM_LIMIT
  std::uint32_t invitations_sent = 200;     // of one sender, without an answer; more: INVITATION_LIMIT
  std::uint32_t invitations_to_one = 5;     // of these to one person
  std::uint32_t invitations_received = 100; // that wait for one person
};

} // namespace foyer::engine

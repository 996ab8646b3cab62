// The address of a connection, and where to send the answer to a command.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"
#include "engine/outcome.h"
#include "protocol/session_message.h"

namespace foyer::gateway {

// A connection's address: its loop, its slot there, and a generation that distinguishes
// a slot's successive connections. Layout: loop 8 bits, generation 24, slot 32.
struct ConnectionAddress {
  std::uint8_t loop = 0;
  std::uint32_t generation = 0;
  std::uint32_t slot = 0;
};
inline constexpr std::uint32_t kLastGeneration = 0xFFFFFF;
[[nodiscard]] inline ConnectionId pack(ConnectionAddress a) {
  return (static_cast<ConnectionId>(a.loop) << 56) | (static_cast<ConnectionId>(a.generation & kLastGeneration) << 32) |
      a.slot;
}
[[nodiscard]] inline ConnectionAddress unpack(ConnectionId id) {
  return {static_cast<std::uint8_t>(id >> 56), static_cast<std::uint32_t>(id >> 32) & kLastGeneration,
      static_cast<std::uint32_t>(id)};
}

using protocol::MessageId;

// Addresses a connection, in the turn of one of its commands. Every command has exactly one answer.
struct ReplyTo {
  ConnectionId connection = 0;
  std::uint64_t command = 0; // its number in the connection's CommandOrder; 0: none
  MessageId id = {};         // given by the client
};

// The join, or the next page of a recovery, that an answer belongs to.
struct JoinTicket {
  ReplyTo to = {};
  UserId user;
  RoomName room;
  bool again = false;
  std::uint64_t serial = 0;        // unique in its shard: a client may leave and join again before the answer
  bool by_server = false;          // the client did not ask, and is told only if it succeeds
  engine::OutcomePtr outcome = {}; // then, unless the message came from another node
};
struct JoinAnswer {
  Offset up_to = 0;       // the subscription is live behind it
  bool recovered = false; // the answer contains everything after the client's `since`, or its first page
  bool more = false;      // there is more: nothing is live until the client has read it
  protocol::SessionMessage message;
};

} // namespace foyer::gateway

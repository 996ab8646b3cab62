// Where to send the answer to a command: the address of a connection, and the command's number and id.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"
#include "engine/outcome.h"
#include "protocol/session_message.h"

namespace foyer::gateway {

// A connection's address: its loop, its slot there, and a generation that distinguishes successive connections in one
// slot. As a ConnectionId: loop 8 bits, generation 24 bits, slot 32 bits.
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

// The destination of the answer to one command. Every command has exactly one answer.
struct ReplyTo {
  ConnectionId connection = 0;
  std::uint64_t command = 0; // its number in the connection's CommandOrder or AskedRooms; 0: none
  MessageId id = {};         // given by the client
};

// Identifies the join, or the next page of a recovery, that an answer belongs to.
struct JoinTicket {
  ReplyTo to = {};
  UserId user;
  RoomName room;
  bool again = false;
  std::uint64_t serial = 0;        // unique in its shard: a client may leave and join again before the answer
  bool by_server = false;          // joined by an application: the client is notified only of success
  engine::OutcomePtr outcome = {}; // of a join by an application of this node; otherwise null
};
struct JoinAnswer {
  Offset up_to = 0;       // the subscription is live after this offset
  bool recovered = false; // the answer contains everything after the client's `since`, or its first page
  bool more = false;      // there is more: nothing is live until the client has read it
  protocol::SessionMessage message;
};

} // namespace foyer::gateway

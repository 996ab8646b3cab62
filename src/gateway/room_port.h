// What passes between a connection's shard and a room's owner. Both may be the
// same loop or two; the values are copied or immutable either way.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/refusal.h"
#include "protocol/encode.h"
#include "protocol/terms.h"

namespace foyer::gateway {

// A connection's address: its loop, its slot there, and a generation that tells a
// slot's tenants apart. Layout: loop 8 bits, generation 24, slot 32.
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

class UserUse;
using protocol::MessageId;

// Where an answer goes: to a connection, in the place of one of its commands. Every
// command that carries one has exactly one answer or refusal.
struct ReplyTo {
  ConnectionId connection = 0;
  std::uint64_t command = 0; // its number in the connection's CommandOrder; 0: none waits for it
  operator ConnectionId() const {
    return connection;
  } // NOLINT(google-explicit-constructor): for what concerns the connection alone
};

// Who a command comes from.
struct Speaker {
  ReplyTo connection = {};
  UserId user;
  std::string name;
  Permissions permissions;
  protocol::ClientTerms terms = {};  // features and the longest message of the client
  std::shared_ptr<UserUse> use = {}; // what this user takes over all connections
};

// A client's last known position in a room.
struct SincePosition {
  std::string epoch;
  Offset offset = 0;
  std::optional<WallTime> time = {}; // of the message at that offset: the witness
  std::optional<Offset> change = {}; // the last change it heard of
};

// Which part of a room's history: the newest below `before`, or the oldest above `after`.
struct HistoryPart {
  std::optional<Offset> before = {};
  std::optional<Offset> after = {};
  std::uint32_t limit = 50;
  // The next page of a recovery: the subscription goes on with what comes behind it.
  std::optional<std::uint64_t> serial = {}; // of the pause, as in JoinTicket
};

struct JoinRequest {
  Speaker speaker;
  RoomName room;
  MessageId id;
  std::optional<SincePosition> since = {};
  std::uint32_t limit = 0;
  bool again = false;       // the connection is subscribed already: it asks for messages only
  std::uint64_t serial = 0; // of this join among all of its shard: a client may leave and join again before the answer
};

// The join that an answer belongs to.
struct JoinTicket {
  ReplyTo connection = {};
  UserId user;
  RoomName room;
  MessageId id;
  bool again = false;
  std::uint64_t serial = 0;
  bool recovered = false; // the answer holds everything after the client's `since`, or its first page
  bool more = false;      // of that there is more: until the client has read it nothing is live
};

// One frame for every subscriber of a room on one loop.
struct Publication {
  RoomName room;
  SharedBytes frame;
  Offset offset = 0;       // 0: an event that is not part of the history
  bool of_message = false; // an event about a message that was published before: who is joining must hear it, too
  UserId except;           // a user that is not told; empty: nobody
  // A long message, for clients whose max_message is less than `bytes`: without its text.
  SharedBytes brief = {};
  std::size_t bytes = 0;
  // Clients that named the feature get this instead of `frame` (null: they get `frame`);
  // where `frame` is null the others get nothing.
  protocol::Feature feature{};
  SharedBytes featured = {};
};

// What room owners ask of the shards. Calls are made on the owner's loop; the
// implementation posts to the loop concerned, in order.
class RoomPort {
 public:
  virtual ~RoomPort() = default;
  virtual void publish(std::uint8_t loop, Publication publication) = 0;
  virtual void answer(ReplyTo to, SharedBytes frame) = 0;
  virtual void refuse(ReplyTo to, MessageId id, Refusal refusal) = 0;
  // The subscription is live from `up_to` on; `frame` is the `joined` message.
  // With `again` it was live before this join, and a refusal leaves it so.
  virtual void joined(JoinTicket ticket, Offset up_to, SharedBytes frame) = 0;
  virtual void join_refused(JoinTicket ticket, Refusal refusal) = 0;
  // End all subscriptions of a user to a room on a loop, from the next publication on.
  virtual void evict(std::uint8_t loop, const RoomName& room, const UserId& user) = 0;
  // Every subscription to a room on a loop ends: its history begins anew. Clients that named the feature
  // room_reset get `frame`, the others a Close with ROOM_RESET. Who is joining goes on to.
  virtual void reset(std::uint8_t loop, const RoomName& room, SharedBytes frame) = 0;
  // Every connection that is subscribed to a room on a loop, or is joining it, is closed.
  virtual void close_all(std::uint8_t loop, const RoomName& room, const Refusal& refusal) = 0;
  // To every connection of a user, wherever it is.
  virtual void to_user(const UserId& user, SharedBytes frame) = 0;
  // To those that named the feature, but for one (0: to all).
  virtual void to_user_with(protocol::Feature feature, const UserId& user, SharedBytes frame, ConnectionId except) = 0;
  // A user belongs to a room that another loop may have loaded.
  virtual void member_added(const RoomName& room, const UserId& user) = 0;
};

} // namespace foyer::gateway

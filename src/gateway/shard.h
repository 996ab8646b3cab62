// The state of one loop of the gateway: its links and sessions, their subscriptions, and the home of its rooms.
// Everything here runs on the loop.
//
// A publication reaches a shard once; the shard sends the same bytes to all its subscribed sessions.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/completion.h"
#include "base/log_budget.h"
#include "base/row_index.h"
#include "gateway/deps.h"
#include "gateway/held_presence.h"
#include "gateway/last_seen.h"
#include "gateway/reply_to.h"
#include "gateway/socket_end.h"
#include "http/upgrade.h"
#include "io/cpu_budget.h"
#include "io/paced_drain.h"
#include "io/slot_table.h"
#include "io/transport.h"
#include "protocol/budget.h"
#include "rooms/room_service.h"

namespace foyer::gateway {

class Handshake;
class Link;
class Session;
class Shard;

// A subscription that is not live yet: events published meanwhile wait.
struct Joining {
  std::uint64_t serial = 0;
  bool again = false;     // the subscription was live before this join
  bool was_reset = false; // the room's history restarted during the join
  bool counted = false;   // the home has answered and counts the subscription; the answer waits for its turn
  SharedBytes reset = {}; // the room's history restarted after that answer: sent behind it, and the subscription ends
  std::vector<std::pair<Offset, SharedBytes>> held = {};
  std::vector<HeldPresence> presence = {}; // with several nodes
  std::size_t held_bytes = 0;
};

struct Subscription {
  Link* link = nullptr;                   // events are delivered directly to it
  std::unique_ptr<Joining> joining;       // null: live, or catching up
  bool catching_up = false;               // the client reads a recovery in pages: no live messages before the last page
  std::unique_ptr<ToldMembers> told = {}; // with several nodes, for a while after the answer to a join
};

// The sessions of this loop that are subscribed to one room.
struct LocalRoom {
  RoomName name;
  std::string_view own_user; // for user:ID, the ID; nothing is ever sent to another user
  std::vector<Subscription> subscriptions;
};

// Selects sessions of one loop; all given conditions must match.
struct SessionFilter {
  engine::Selection who = {};
  std::string address = {};
  RoomName room = {}; // which the session has joined or is joining
};

// Counters shared by the shards.
struct ShardMetrics {
  explicit ShardMetrics(Metrics& metrics);
  Counter& admitted;
  Counter& received;
  Counter& delivered;
  Gauge& sockets;
  SocketEndCounters ends;
};

// Log lines about connections that open and close, per second and loop.
inline constexpr std::uint32_t kActivityLines = 20;

class Shard final : public http::UpgradeHandler {
 public:
  // `homes` must outlive this and contain the home of this loop.
  Shard(std::uint8_t index, io::Loop& loop, const GatewayPolicy& policy, const GatewayDeps& deps,
      rooms::UserUses& users, const rooms::Homes& homes);
  ~Shard() override;

  void take(io::Transport& transport, http::Upgrade upgrade) override;

  // Draining: all clients are notified at once and closed in paced batches.
  void drain(std::move_only_function<void()> done);
  // After drain() and the last accept: `done` when all clients that connected meanwhile are gone.
  void when_empty(std::move_only_function<void()> done);
  [[nodiscard]] bool draining() const { return drain_.started(); }
  // Another process owns the chat store: chat sockets are closed, and none are admitted until the store is reopened.
  void store_lost(const Refusal& why);
  void rights_unknown(); // closes all sockets of the chat
  void store_opened_again();
  // This node does not hear the others, or (nothing) hears them again: the same, but sockets are closed in batches.
  void node_deaf(const std::optional<Refusal>& why);
  [[nodiscard]] const std::optional<Refusal>& lost_store() const { return lost_store_ ? lost_store_ : deaf_; }
  // Closes the connections whose credentials have been revoked.
  void check_revocations();

  // Events that the shard's listener passes to this loop.
  void publish(rooms::Publication& publication);
  void evict(const RoomName& room, const UserId& user);
  void reset(rooms::Publication& publication);
  void close_all(const RoomName& room, const Refusal& refusal);
  void to_user(const UserId& user, rooms::Publication& publication, ConnectionId except);

  // Actions of an application on connections, and its queries (shard_sessions.cc). Sessions are visited in the order of
  // their slots, from `slot` on, a few per turn, until `act` returns false. `done` gets the slot of that session;
  // nullopt: all were visited. A session that stays open during the visit is visited exactly once.
  using Act = std::move_only_function<bool(Session&)>;
  using Visited = std::move_only_function<void(std::optional<std::uint32_t> slot)>;
  void visit(SessionFilter filter, std::uint32_t slot, Act act, Visited done);
  void disconnect(const engine::Disconnect& request);
  void unsubscribe(const engine::Unsubscribe& request);
  void subscribe(const engine::Subscribe& request);
  void set_expiry(const engine::SetExpiry& request);
  struct Status {
    std::size_t connections = 0;
    std::optional<WallTime> seen = {}; // when the user was last heard from; nullopt: unknown
  };
  [[nodiscard]] Status status_of(const UserId& user) const;
  [[nodiscard]] WallTime wall_of(MonoTime time) const;
  [[nodiscard]] std::size_t subscriptions() const { return subscriptions_; }

  // Completes a command of a session of this loop: the answer is sent in the command's turn.
  template <class T>
  [[nodiscard]] Completion<T> answer_to(ReplyTo to);
  void refuse(const ReplyTo& to, Refusal refusal);
  [[nodiscard]] Completion<rooms::Joined> join_answer(JoinTicket ticket);
  [[nodiscard]] Completion<rooms::HistoryPart> page_answer(JoinTicket ticket); // the next page of a recovery

  // For links and sessions.
  [[nodiscard]] io::Loop& loop() { return loop_; }
  [[nodiscard]] const GatewayPolicy& policy() const { return policy_; }
  [[nodiscard]] const GatewayDeps& deps() const { return deps_; }
  [[nodiscard]] ShardMetrics& metrics() { return metrics_; }
  [[nodiscard]] rooms::UserUses& users() { return uses_; }
  [[nodiscard]] rooms::RoomHome& home() { return home_; }
  [[nodiscard]] rooms::RoomService& rooms() { return service_; }
  [[nodiscard]] std::uint8_t index() const { return index_; }
  [[nodiscard]] protocol::ClientCodec& codec() { return *codec_; }
  [[nodiscard]] Compression& compression() { return compression_; }
  [[nodiscard]] std::string& scratch() { return scratch_; } // a buffer for one message at a time
  [[nodiscard]] const Allowance& allowed_commands() const { return allowed_commands_; } // of one connection
  [[nodiscard]] const Allowance& allowed_refusals() const { return allowed_refusals_; } // of refused commands
  [[nodiscard]] const Allowance& allowed_bytes() const { return allowed_bytes_; }
  // Runs `work` in a turn that has CPU time for expensive work (CpuBudget), if the session still exists.
  void when_there_is_time(ConnectionId id, std::move_only_function<void(Session&)> work);
  [[nodiscard]] LogBudget& admitted_lines() { return admitted_lines_; } // budget of info lines
  [[nodiscard]] Session* find(ConnectionId id);                         // null: gone, or not admitted yet
  // Runs `step` if the link exists and its handshake is undecided.
  void with_handshake(ConnectionId id, std::move_only_function<void(Handshake&)> step);
  [[nodiscard]] const std::shared_ptr<std::atomic<bool>>& alive() const { return alive_; } // false once this is gone
  // A completion for any thread, which runs `then` on this loop; dropped once this is gone.
  template <class T>
  [[nodiscard]] Completion<T> on_loop(Completion<T> then) {
    return [this, alive = alive_, then = std::move(then)](Result<T> result) mutable {
      if (!*alive) return;
      loop_.post([then = std::move(then), result = std::move(result)]() mutable { then(std::move(result)); });
    };
  }
  // The same, with a session of this loop; dropped if the session is gone.
  template <class T>
  [[nodiscard]] Completion<T> to_session(ConnectionId id, std::move_only_function<void(Session&, Result<T>)> then) {
    return on_loop<T>([this, id, then = std::move(then)](Result<T> result) mutable {
      if (Session* session = find(id)) then(*session, std::move(result));
    });
  }
  // A completion for any thread: the auth service's answer to a handshake of this loop.
  [[nodiscard]] Completion<Identity> identity_answer(ConnectionId id);
  // Requests a newer key set; `then` runs on this loop.
  void refresh_keys(std::string token, Completion<bool> then);
  // Looks up a person among the accounts of the auth service and the users of other issuers who were admitted before.
  // nullopt: unknown. RATE_LIMITED (UnknownPeople). `then` runs on this loop, if the session still exists.
  void find_person(Session& session, auth::PersonRequest question, Completion<std::optional<auth::Person>> then);
  void remember_person(rooms::Author person);
  // Copies bytes for the frame decoder into a buffer with wire::kPadding readable bytes after them. Valid until the
  // next call.
  [[nodiscard]] std::span<char> padded(std::string_view bytes);

  // REQUIRES: the session is not subscribed to the room.
  LocalRoom* subscribe(Session& session, const RoomName& room, Joining joining);
  [[nodiscard]] Subscription* subscription(Session& session, const RoomName& room);
  // If the session is in the middle of a recovery: the serial of its next page. New events are held until that answer.
  [[nodiscard]] std::optional<std::uint64_t> next_page(Session& session, const RoomName& room);
  [[nodiscard]] std::uint64_t next_join() { return ++joins_; } // for JoinTicket::serial
  void unsubscribe(Session& session, const RoomName& room, bool evicted);
  void admitted(Session& session);
  void closed(Link& link);                                                     // deletes the link
  void ended(const SocketEnd& end, const Link& link, const CloseFrame& close); // for a WebSocket, before closed()
  [[nodiscard]] std::size_t open() const { return links_.size(); }

  // For sums over all loops. Any thread may read them.
  // rooms_loaded and memory_bytes, of the home, are updated once a second.
  std::atomic<std::uint32_t> sockets{0};
  std::atomic<std::uint64_t> rooms_loaded{0}, memory_bytes{0};

 private:
  struct Visit;
  void go_on(std::unique_ptr<Visit> visit);
  // The slots of the sessions that may match the filter, ascending; nullopt: any session may.
  [[nodiscard]] std::optional<std::vector<std::uint32_t>> candidates(const SessionFilter& filter) const;
  void each(engine::Selection who, const RoomName& room, std::move_only_function<void(Session&)> act);
  void report_end(const SocketEnd& end, const Link& link, const CloseFrame& close, const std::string& peer);
  [[nodiscard]] Session* first_of(const UserId& user) const; // the head of the user's list; null: none
  // The refusal with a random retry time, so that clients do not return all at once.
  [[nodiscard]] Refusal with_jitter(Refusal refusal) const;
  void hold_presence(Joining& joining, const PresenceNews& news, const SharedBytes& frame) const;
  [[nodiscard]] bool is_news(Subscription& subscription, const PresenceNews& news);
  void tell_members(Subscription& subscription, Joining& joining, const JoinAnswer& answer);
  [[nodiscard]] std::vector<ConnectionId> subscribers(const RoomName& room) const;
  void joined(const JoinTicket& ticket, JoinAnswer answer);
  void join_refused(const JoinTicket& ticket, Refusal refusal);
  // Sends the answer to a join, in the command's turn.
  void admit_join(const JoinTicket& ticket, JoinAnswer answer);
  void end_join(const JoinTicket& ticket, Refusal refusal);
  void find_foreign_person(ConnectionId id, UserId by, auth::PersonRequest question,
      Result<std::optional<auth::Person>> said, Completion<std::optional<auth::Person>> then);
  void person_found(ConnectionId id, const UserId& by, Result<std::optional<auth::Person>> found,
      Completion<std::optional<auth::Person>> then);
  // The subscription that an answer belongs to; null if it has ended, even if another one has replaced it.
  [[nodiscard]] Subscription* waiting_for(Session* session, const JoinTicket& ticket);

  std::uint64_t joins_ = 0;
  std::uint8_t index_;
  io::Loop& loop_;
  const GatewayPolicy& policy_;
  const GatewayDeps& deps_;
  rooms::UserUses& uses_;
  ShardMetrics metrics_;
  std::shared_ptr<rooms::Listener> listener_;
  rooms::RoomHome home_;
  rooms::RoomService service_;
  std::unique_ptr<protocol::ClientCodec> codec_;
  Compression compression_;    // outlives the links
  std::vector<Link*> packing_; // receivers of the current publication that compress
  std::string scratch_;
  std::vector<char> padded_;
  const Allowance allowed_commands_, allowed_refusals_, allowed_bytes_;
  LogBudget admitted_lines_{kActivityLines}, ended_lines_{kActivityLines};
  io::SlotTable<Link> links_;
  io::PacedDrain<Link> drain_;
  std::unordered_map<RoomName, std::unique_ptr<LocalRoom>> rooms_;
  // The first session of each user, the head of a linked list. The key is the user id inside the session, so no id is
  // stored twice.
  struct UserOf {
    [[nodiscard]] std::string_view operator()(const Session& session) const;
  };
  RowIndex<Session, UserOf> users_;
  std::size_t subscriptions_ = 0;
  LastSeen last_seen_;
  std::unordered_map<UserId, std::string> introduced_; // users of other issuers whose names are in the store already
  std::shared_ptr<std::atomic<bool>> alive_ = std::make_shared<std::atomic<bool>>(true);
  std::optional<Refusal> lost_store_, deaf_;
  class Leaving; // sockets that are closed because this node is deaf
  std::shared_ptr<Leaving> leaving_;
  IdleTimeoutDetector idle_timeouts_;
};

} // namespace foyer::gateway

// The gateway: one shard per loop, and their common parts.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "gateway/all_clients.h"
#include "gateway/clients.h"
#include "gateway/deps.h"
#include "gateway/shard.h"
#include "io/transport.h"

namespace foyer::gateway {

class Gateway {
 public:
  // The loops must outlive the gateway; at most rooms::kMaxLoops.
  Gateway(const std::vector<io::Loop*>& loops, GatewayPolicy policy, GatewayDeps deps);
  ~Gateway();

  // The upgrade handlers for the HTTP server, one for each loop.
  [[nodiscard]] std::vector<http::UpgradeHandler*> upgrades() const;

  // Watches revocations, closes affected connections, and removes the names of deleted accounts from messages. Once.
  void watch_revocations();
  void revocations_changed(); // the table has changed: checks every connection against it; any thread
  void watch_store();         // confirms rooms after an outage; closes all sockets when another process owns the store

  // Any thread, once. New sockets are refused with DRAINING; open ones get `closing` and then a Close 1001, in paced
  // batches. `done` runs on a loop when none is left.
  void drain(std::function<void()> done);
  // After drain(), once the HTTP server is empty: `done` runs on a loop when sockets upgraded meanwhile are gone,
  // too.
  void when_empty(std::function<void()> done);

  // What other nodes took away was unknown for too long: closes the sockets of the chat. Any thread.
  void rights_unknown();
  // Events of the room may have been lost between nodes: its position is read. Any thread.
  void may_have_missed(const RoomName& room);
  // The shared log of rooms that are not durable was reached again; or its events may not arrive. Any thread.
  void shared_log_opened_again();
  void look_at_shared_log();
  // NODE_DEAF: chat sockets are closed in paced batches, and none are admitted until it is called with nothing. Any
  // thread.
  void node_deaf(const std::optional<Refusal>& why);

  // For callers on any thread.
  [[nodiscard]] rooms::RoomService& rooms() { return rooms_; }
  [[nodiscard]] Clients& clients() { return clients_; } // of this node
  [[nodiscard]] AllClients& all_clients() { return all_clients_; }
  // Answers GET /rooms/{room}/messages/{offset}. Any thread.
  void message(Request request, Reply reply);

  // Sums over all loops, at most a second old. Any thread.
  [[nodiscard]] std::uint64_t rooms_loaded() const;
  [[nodiscard]] std::uint64_t memory_bytes() const; // of the texts of rooms that are not durable
  [[nodiscard]] std::uint64_t connections() const;  // sockets admitted and open

 private:
  struct Asked; // a request for one message over HTTP
  void message_for(Asked asked, Result<Identity> identity);
  void check_room_token(Asked asked, Identity identity); // the caller has been authorised
  [[nodiscard]] std::optional<Refusal> judge_room_token(
      const Asked& asked, const Identity& identity, const Result<auth::RoomToken>& token) const;
  void find_message(Asked asked, Identity identity);
  void answer_message(Asked asked, Result<rooms::MessageFound> found);
  void detach_messages(UserId user);
  void on_all(void (Shard::*step)(std::move_only_function<void()>), std::function<void()> done);

  GatewayPolicy policy_;
  GatewayDeps deps_;
  std::vector<io::Loop*> loops_;
  rooms::UserUses users_; // outlives the shards, as does the next
  rooms::Homes homes_;
  rooms::RoomService rooms_;
  std::vector<std::unique_ptr<Shard>> shards_;
  Clients clients_{shards_, deps_};
  AllClients all_clients_{clients_, rooms_, deps_, deps_.build};
  std::vector<std::unique_ptr<io::Timer>> pulses_;
  std::atomic<bool> draining_{false};
};

} // namespace foyer::gateway

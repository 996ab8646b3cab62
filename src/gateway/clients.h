// The connected clients of this process (all_clients.h: of all nodes) as an operator or an application sees them: lists
// and counts, and the actions disconnect, subscribe, unsubscribe and set_expiry. Any thread; every answer comes once,
// on the control plane.
//
//   clients.list({.room = RoomName{"tea"}}, [](Result<ClientsPage> page) { … page->next … });
//   clients.disconnect({.who = {.user = UserId{"ann"}}, .reason = "maintenance"}, [](Result<Applied> done) { … });
//
// An action applies to the connections that exist when it reaches their loops. A query visits one loop after the other.
// No turn of a loop looks at more than a few hundred connections.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/completion.h"
#include "base/executor.h"
#include "engine/control_bus.h"
#include "gateway/shard.h"

namespace foyer::gateway {

// A connection as text, as in `authentication_success` and in the rows below: 16 hexadecimal digits, and with several
// nodes `.` and the name of its node, since their numbers are the same.
[[nodiscard]] std::string shown(ConnectionId connection, std::string_view node);
struct NamedConnection {
  ConnectionId connection = 0;
  std::string_view node = {}; // empty: there is one
};
[[nodiscard]] std::optional<NamedConnection> read_connection(std::string_view text);

struct ClientRow {
  ConnectionId connection = 0;
  UserId user;
  std::string name;
  SessionId session;     // of the login; empty: the token named none
  std::string transport; // "websocket"
  std::string address;   // after TRUSTED_PROXIES
  WallTime since{};
  WallTime last_heard{};  // approximately, when its last byte was received
  WallTime expires_at{};  // zero: never
  std::size_t queued = 0; // bytes in its send queue
  std::size_t rooms = 0;  // joined, or being joined
  std::string node = {};  // where it is; empty: there is one
};
// All given filters must match; without filters, all clients.
struct ClientsQuery {
  UserId user = {};
  std::string address = {};
  RoomName room = {};
  std::string after = {};    // ClientsPage::next of the page before
  std::uint32_t limit = 100; // at most kClientsPage
};
inline constexpr std::uint32_t kClientsPage = 1'000;
// Where the row is in the list of its process: as ClientsQuery::after, the list begins with it.
[[nodiscard]] std::string place_of(const ClientRow& row);
// A client that is connected while all pages are read is on exactly one of them.
struct ClientsPage {
  std::vector<ClientRow> clients;
  std::string next; // empty: there are no more
};

struct UserStatus {
  UserId user;
  std::size_t connections = 0;            // 0: offline
  std::optional<WallTime> last_seen = {}; // nullopt: not since this node started, or too long ago (LastSeen)
};
inline constexpr std::size_t kStatusUsers = 1'000; // in one request

struct ClientNumbers {
  std::size_t clients = 0, users = 0;
  std::size_t rooms = 0;         // with subscribers
  std::size_t subscriptions = 0; // over all clients
};

using engine::Applied;

class Clients {
 public:
  // Both must outlive this.
  Clients(const std::vector<std::unique_ptr<Shard>>& shards, const GatewayDeps& deps) : shards_(shards), deps_(deps) {}

  // All functions refuse with BAD_REQUEST and the field: a selection that names nobody, or a query beyond a limit.

  void list(ClientsQuery query, Completion<ClientsPage> done);
  // One row for each user, in the order of `users`; at most kStatusUsers.
  void status(std::vector<UserId> users, Completion<std::vector<UserStatus>> done);
  void numbers(Completion<ClientNumbers> done);

  // Closes the connections with 4403 DISCONNECTED_BY_APP, or with the application's own code from 4000 to 4999.
  void disconnect(engine::Disconnect request, Completion<Applied> done);
  // Ends their subscriptions to the room; the clients get `room_removed`. ROOM_NAME_INVALID.
  void unsubscribe(engine::Unsubscribe request, Completion<Applied> done);
  // Joins them to the room as if they had sent `join`; the clients get `joined` with `by:"server"`, unless they are
  // subscribed already. ROOM_NAME_INVALID, and the refusals of a join: NOT_A_MEMBER, ROOM_LIMIT, RATE_LIMITED, those of
  // the store.
  void subscribe(engine::Subscribe request, Completion<Applied> done);
  // Sets the end of the connections. A time that has passed ends them at once, with TOKEN_EXPIRED.
  void set_expiry(engine::SetExpiry request, Completion<Applied> done);

 private:
  struct Listing;
  template <class T>
  [[nodiscard]] Completion<T> on_control(Completion<T> done) const;
  template <class Request>
  void send(Request request, Completion<Applied> done);
  void list_from(std::unique_ptr<Listing> listing);
  // Runs `step` for one shard after the other, on its loop; then `done` with the state.
  template <class State>
  void over_all(std::unique_ptr<State> state, void (*step)(Shard&, State&), std::size_t shard = 0);

  const std::vector<std::unique_ptr<Shard>>& shards_;
  const GatewayDeps& deps_;
};

} // namespace foyer::gateway

// What nodes ask each other about clients and rooms, and what they answer, as bytes (engine/node_questions.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/control_bus.h"
#include "gateway/clients.h"
#include "rooms/requests.h"

namespace foyer::gateway {

// The connections that an application means: `who` without connections, which are named as texts.
struct NamedSelection {
  engine::Selection who = {};
  std::string client = {};            // empty: any
  std::vector<std::string> keep = {}; // not these
};
// What this node understands by it; false: it means connections of other nodes only. `node`: this one; empty: there is
// one. A text that names no connection is that of none.
[[nodiscard]] bool resolve(const NamedSelection& named, std::string_view node, engine::Selection& into);

struct Action {
  NamedSelection who;
  engine::ControlMessage message; // Disconnect, Unsubscribe, Subscribe or SetExpiry, without its selection
};
struct NodeNumbers {
  std::string node, version;
  ClientNumbers numbers;
  std::uint64_t uptime_s = 0;
};

[[nodiscard]] std::string to_bytes(const ClientsQuery& query);
[[nodiscard]] std::string to_bytes(const ClientsPage& page);
[[nodiscard]] std::string to_bytes(const std::vector<UserId>& users);
[[nodiscard]] std::string to_bytes(const std::vector<UserStatus>& statuses); // without the users
[[nodiscard]] std::string to_bytes(const Action& action);
[[nodiscard]] std::string to_bytes(const Result<Applied>& applied);
[[nodiscard]] std::string to_bytes(const std::vector<rooms::ActiveRoom>& rooms);
[[nodiscard]] std::string to_bytes(const rooms::RoomAudience& audience);
[[nodiscard]] std::string to_bytes(const NodeNumbers& numbers);

// nullopt: they are not of this form.
[[nodiscard]] std::optional<ClientsQuery> read_query(std::string_view bytes);
[[nodiscard]] std::optional<ClientsPage> read_page(std::string_view bytes);
[[nodiscard]] std::optional<std::vector<UserId>> read_users(std::string_view bytes);
[[nodiscard]] std::optional<std::vector<UserStatus>> read_statuses(std::string_view bytes);
[[nodiscard]] std::optional<Action> read_action(std::string_view bytes);
[[nodiscard]] std::optional<Result<Applied>> read_applied(std::string_view bytes);
[[nodiscard]] std::optional<std::vector<rooms::ActiveRoom>> read_rooms(std::string_view bytes);
[[nodiscard]] std::optional<rooms::RoomAudience> read_audience(std::string_view bytes);
[[nodiscard]] std::optional<NodeNumbers> read_numbers(std::string_view bytes);

} // namespace foyer::gateway

#include "harness/application.h"

#include <fmt/format.h>

#include <functional>
#include <map>

#include "gateway/clients.h"
#include "harness/person.h"

namespace foyer::harness {
namespace {

using gateway::Clients;
using Answered = std::move_only_function<void(Result<json::Value>)>;

// Reads the members of a request. Every member has to be read.
class Members {
 public:
  Members(std::string_view method, const json::Object& object) : method_(method), left_(object) {}
  ~Members() noexcept(false) {
    if (!left_.empty() && std::uncaught_exceptions() == 0)
      differ(fmt::format("{} has no {}", method_, std::string_view(left_.begin()->key())));
  }
  std::string text(std::string_view name) {
    const std::string value(json::get_string(left_, name).value_or(""));
    left_.erase(name);
    return value;
  }
  std::int64_t number(std::string_view name, std::int64_t otherwise = 0) {
    const std::int64_t value = json::get_int(left_, name).value_or(otherwise);
    left_.erase(name);
    return value;
  }
  json::Array list(std::string_view name) {
    const json::Value* value = left_.if_contains(name);
    json::Array out = value == nullptr ? json::Array{} : value->as_array();
    left_.erase(name);
    return out;
  }
  engine::Selection who() {
    engine::Selection who{.user = UserId{text("user")}, .session = SessionId{text("session")}};
    if (const std::string client = text("client"); !client.empty()) who.connection = connection(client);
    for (const json::Value& each : list("whitelist")) who.keep.push_back(connection(std::string(each.as_string())));
    return who;
  }
  std::optional<rooms::SincePosition> since() {
    const json::Value* value = left_.if_contains("since");
    if (value == nullptr) return std::nullopt;
    const json::Object since = value->as_object();
    left_.erase("since");
    return rooms::SincePosition{.epoch = Epoch{*json::get_string(since, "epoch")},
        .offset = static_cast<Offset>(*json::get_int(since, "offset"))};
  }

 private:
  static ConnectionId connection(const std::string& text) {
    const auto id = gateway::read_connection(text);
    if (!id) differ("not a connection: " + text);
    return id->connection;
  }
  std::string_view method_;
  json::Object left_;
};

json::Value value_of(const gateway::Applied& applied) { return json::Object{{"connections", applied.connections}}; }

json::Value value_of(const gateway::ClientsPage& page) {
  json::Array clients;
  for (const gateway::ClientRow& row : page.clients)
    clients.push_back(json::Object{{"client", gateway::shown(row.connection, row.node)}, {"user", row.user.view()},
        {"name", row.name}, {"session", row.session.view()}, {"transport", row.transport}, {"address", row.address},
        {"since", rfc3339(row.since)}, {"last_heard", rfc3339(row.last_heard)}, {"expires_at", rfc3339(row.expires_at)},
        {"queued", row.queued}, {"rooms", row.rooms}});
  return json::Object{{"clients", std::move(clients)}, {"next", page.next}};
}

json::Value value_of(const std::vector<gateway::UserStatus>& statuses) {
  json::Array users;
  for (const gateway::UserStatus& status : statuses) {
    json::Object user{{"user", status.user.view()}, {"connections", status.connections}};
    if (status.last_seen) user["last_seen"] = rfc3339(*status.last_seen);
    users.push_back(std::move(user));
  }
  return json::Object{{"statuses", std::move(users)}};
}

json::Value value_of(const gateway::ClientNumbers& n) {
  return json::Object{
      {"clients", n.clients}, {"users", n.users}, {"rooms", n.rooms}, {"subscriptions", n.subscriptions}};
}

json::Value value_of(const std::vector<rooms::ActiveRoom>& rooms) {
  json::Array rows;
  for (const rooms::ActiveRoom& room : rooms)
    rows.push_back(json::Object{{"room", room.room.view()}, {"clients", room.subscribers}, {"users", room.present}});
  return json::Object{{"rooms", std::move(rows)}};
}

template <class T>
Completion<T> as_value(Answered answered) {
  return [answered = std::move(answered)](Result<T> result) mutable {
    if (!result) return answered(std::unexpected(std::move(result).error()));
    answered(value_of(*result));
  };
}

using Method = std::function<void(Node&, Members&, Answered)>;

const std::map<std::string_view, Method>& methods() {
  static const std::map<std::string_view, Method> all = {
      {"clients",
          [](Node& node, Members& m, Answered answered) {
    node.clients().list({.user = UserId{m.text("user")},
                            .address = m.text("address"),
                            .room = RoomName{m.text("room")},
                            .after = m.text("after"),
                            .limit = static_cast<std::uint32_t>(m.number("limit", 100))},
        as_value<gateway::ClientsPage>(std::move(answered)));
  }},
      {"status",
          [](Node& node, Members& m, Answered answered) {
    std::vector<UserId> users;
    for (const json::Value& each : m.list("users")) users.emplace_back(std::string_view(each.as_string()));
    node.clients().status(std::move(users), as_value<std::vector<gateway::UserStatus>>(std::move(answered)));
  }},
      {"numbers",
          [](Node& node, Members&, Answered answered) {
    node.clients().numbers(as_value<gateway::ClientNumbers>(std::move(answered)));
  }},
      {"disconnect",
          [](Node& node, Members& m, Answered answered) {
    node.clients().disconnect(
        {.who = m.who(), .code = static_cast<std::uint16_t>(m.number("code")), .reason = m.text("reason")},
        as_value<gateway::Applied>(std::move(answered)));
  }},
      {"unsubscribe",
          [](Node& node, Members& m, Answered answered) {
    node.clients().unsubscribe(
        {.who = m.who(), .room = RoomName{m.text("room")}}, as_value<gateway::Applied>(std::move(answered)));
  }},
      {"subscribe",
          [](Node& node, Members& m, Answered answered) {
    node.clients().subscribe({.who = m.who(),
                                 .room = RoomName{m.text("room")},
                                 .since = m.since(),
                                 .limit = static_cast<std::uint32_t>(m.number("limit"))},
        as_value<gateway::Applied>(std::move(answered)));
  }},
      {"refresh", // expires_in: seconds from now
          [](Node& node, Members& m, Answered answered) {
    const WallTime at = node.clock().wall() + std::chrono::seconds{m.number("expires_in")};
    node.clients().set_expiry({.who = m.who(), .expires_at = at}, as_value<gateway::Applied>(std::move(answered)));
  }},
      {"rooms",
          [](Node& node, Members& m, Answered answered) {
    node.rooms().active(m.text("pattern"), as_value<std::vector<rooms::ActiveRoom>>(std::move(answered)));
  }},
  };
  return all;
}

} // namespace

void Application::ask(Node& node, std::string_view method, const json::Object& members) {
  const auto found = methods().find(method);
  if (found == methods().end()) differ(fmt::format("an application has no method {}", method));
  answer_ = std::make_shared<std::optional<json::Value>>();
  Members read(method, members);
  found->second(node, read, [answer = answer_](Result<json::Value> result) {
    if (answer->has_value()) throw std::logic_error("two answers to one question");
    *answer = result ? std::move(*result) : json::Object{{"refused", result.error().code()}};
  });
}

std::string Application::answer() const {
  if (!answer_ || !*answer_) differ("the application has no answer");
  return json::write(**answer_);
}

} // namespace foyer::harness

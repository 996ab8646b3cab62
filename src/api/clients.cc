// Connected clients: who they are, and what an application does with them.
#include <fmt/format.h>

#include <iterator>
#include <utility>
#include <vector>

#include "api/handlers.h"
#include "api/write.h"
#include "gateway/all_clients.h"

namespace foyer::api {
namespace {

constexpr std::uint32_t kDefaultClients = 100;

gateway::NamedSelection selection(const Call& call) {
  return {.who = {.user = UserId{call.arguments.text("user")}, .session = SessionId{call.arguments.text("session")}},
      .client = std::string(call.arguments.text("client")),
      .keep = call.arguments.texts("whitelist")};
}

Completion<gateway::OfNodes<gateway::Applied>> done_by(Call call) {
  return [call = std::move(call)](Result<gateway::OfNodes<gateway::Applied>> result) mutable {
    if (!result) return call.refuse(std::move(result).error());
    const std::string missing = missing_nodes(result->missing);
    call.answer(missing.empty() ? "{}" : "{" + missing.substr(1) + "}");
  };
}

// False: it was refused.
bool may(Call& call, rooms::ApiRight right) {
  auto allowed = call.caller().rights.check(right);
  if (!allowed) call.refuse(std::move(allowed).error());
  return allowed.has_value();
}

std::int64_t millis(WallTime time) { return time.time_since_epoch().count(); }

void append_row(std::string& out, const gateway::ClientRow& row) {
  if (!out.ends_with('[')) out += ',';
  const auto text = [&out](std::string_view name, std::string_view value) {
    fmt::format_to(std::back_inserter(out), R"("{}":)", name);
    json::append_string(out, value);
    out += ',';
  };
  out += '{';
  text("client", gateway::shown(row.connection, row.node));
  if (!row.node.empty()) text("node", row.node);
  text("user", row.user.view());
  text("name", row.name);
  text("session", row.session.view());
  text("transport", row.transport);
  text("address", row.address);
  fmt::format_to(std::back_inserter(out), R"("since":{},"last_heard":{},"expires_at":{},"queued":{},"rooms":{}}})",
      millis(row.since), millis(row.last_heard), millis(row.expires_at), row.queued, row.rooms);
}

} // namespace

void connections(const Context& context, Call call) {
  if (!may(call, rooms::ApiRight::connections)) return;
  const Arguments& asked = call.arguments;
  gateway::ClientsQuery query{.user = UserId{asked.text("user")},
      .address = std::string(asked.text("address")),
      .room = call.room(),
      .after = std::string(asked.text("after")),
      .limit = static_cast<std::uint32_t>(asked.number("limit").value_or(kDefaultClients))};
  context.clients.list(
      std::move(query), [call = std::move(call)](Result<gateway::OfNodes<gateway::ClientsPage>> all) mutable {
    if (!all) return call.refuse(std::move(all).error());
    const gateway::ClientsPage& page = all->value;
    std::string out = R"({"connections":[)";
    for (const gateway::ClientRow& row : page.clients) append_row(out, row);
    out += ']';
    if (!page.next.empty()) out += R"(,"next":")" + page.next + '"';
    call.answer(out + missing_nodes(all->missing) + "}");
  });
}

void get_user_status(const Context& context, Call call) {
  if (!may(call, rooms::ApiRight::users_read)) return;
  std::vector<UserId> users;
  for (std::string& user : call.arguments.texts("users")) users.emplace_back(std::move(user));
  context.clients.status(std::move(users),
      [call = std::move(call)](Result<gateway::OfNodes<std::vector<gateway::UserStatus>>> statuses) mutable {
    if (!statuses) return call.refuse(std::move(statuses).error());
    std::string out = R"({"statuses":[)";
    for (const gateway::UserStatus& status : statuses->value) {
      out += out.ends_with('[') ? R"({"user":)" : R"(,{"user":)";
      json::append_string(out, status.user.view());
      fmt::format_to(
          std::back_inserter(out), R"(,"online":{},"connections":{})", status.connections > 0, status.connections);
      if (status.last_seen) fmt::format_to(std::back_inserter(out), R"(,"last_seen":{})", millis(*status.last_seen));
      out += '}';
    }
    call.answer(out + ']' + missing_nodes(statuses->missing) + '}');
  });
}

void disconnect(const Context& context, Call call) {
  if (!may(call, rooms::ApiRight::connections)) return;
  auto who = selection(call);
  engine::Disconnect request;
  if (const Arguments* how = call.arguments.object("disconnect")) {
    request.code = static_cast<std::uint16_t>(how->number("code").value_or(0));
    request.reason = how->text("reason");
  }
  context.clients.act(std::move(who), std::move(request), done_by(std::move(call)));
}

void subscribe(const Context& context, Call call) {
  if (!may(call, rooms::ApiRight::connections)) return;
  auto who = selection(call);
  engine::Subscribe request{.who = {}, .room = call.room()};
  if (const Arguments* since = call.arguments.object("recover_since"))
    request.since = rooms::SincePosition{
        .epoch = Epoch{since->text("epoch")}, .offset = static_cast<Offset>(since->number("offset").value_or(0))};
  context.clients.act(std::move(who), std::move(request), done_by(std::move(call)));
}

void unsubscribe(const Context& context, Call call) {
  if (!may(call, rooms::ApiRight::connections)) return;
  auto who = selection(call);
  engine::Unsubscribe request{.who = {}, .room = call.room()};
  context.clients.act(std::move(who), std::move(request), done_by(std::move(call)));
}

void refresh(const Context& context, Call call) {
  if (!may(call, rooms::ApiRight::connections)) return;
  const std::int64_t at = call.arguments.number("expire_at").value_or(0);
  if (!call.arguments.flag("expired") && at == 0) return call.answer("{}");
  auto who = selection(call);
  engine::SetExpiry request; // now
  if (!call.arguments.flag("expired")) request.expires_at = WallTime{std::chrono::seconds{at}};
  context.clients.act(std::move(who), std::move(request), done_by(std::move(call)));
}

} // namespace foyer::api

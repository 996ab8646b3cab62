// history, presence, presence_stats, channels, info: what can be seen of rooms.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "api/handlers.h"
#include "api/limits.h"
#include "api/write.h"
#include "gateway/all_clients.h"

namespace foyer::api {
namespace {

// A read that goes on until it has as many publications as were asked for.
struct Reading {
  explicit Reading(Call c) : call(std::move(c)) {}
  Call call;
  rooms::HistoryQuery query = {};
  std::size_t left = 0;
  bool reverse = false;
  bool first = true;
  Offset top = 0;
  Epoch epoch = {};
  std::string publications = {};
};

void finish(const std::shared_ptr<Reading>& reading) {
  std::string out = R"({"publications":[)" + reading->publications;
  fmt::format_to(std::back_inserter(out), R"(],"offset":{},"epoch":)", reading->top);
  json::append_string(out, reading->epoch.view());
  reading->call.answer(out + "}");
}

std::optional<Refusal> unknown_position(const Reading& reading, const rooms::HistoryPart& part) {
  const Arguments* since = reading.call.arguments.object("since");
  if (since == nullptr) return std::nullopt;
  const std::string_view epoch = since->text("epoch");
  const bool ahead = since->number("offset").value_or(0) > static_cast<std::int64_t>(part.up_to);
  if ((epoch.empty() || epoch == part.epoch.view()) && !ahead) return std::nullopt;
  return Refusal{.cause = Cause::POSITION_UNKNOWN, .evidence = ahead ? "offset" : "epoch", .field = "since"};
}

void read_on(const Context& context, const std::shared_ptr<Reading>& reading);

void page_arrived(const Context& context, const std::shared_ptr<Reading>& reading, rooms::HistoryPart part) {
  if (!part.kept) return reading->call.refuse({.cause = Cause::HISTORY_OFF, .field = "channel"});
  if (reading->first) {
    if (part.exists)
      if (auto refusal = unknown_position(*reading, part)) return reading->call.refuse(std::move(*refusal));
    reading->top = part.up_to;
    reading->epoch = part.epoch;
    reading->first = false;
  }
  if (reading->reverse) std::ranges::reverse(part.messages);
  const std::size_t some = std::min(part.messages.size(), reading->left);
  for (std::size_t i = 0; i < some; ++i) {
    if (!reading->publications.empty()) reading->publications += ',';
    append_publication(reading->publications, part.messages[i]);
  }
  reading->left -= some;
  const bool full = reading->left == 0 || reading->publications.size() >= kAnswerBytes;
  if (!part.more || some == 0 || full || part.epoch != reading->epoch) return finish(reading);
  const Offset last = part.messages[some - 1].offset;
  if (reading->reverse)
    reading->query.before = last;
  else
    reading->query.after = last;
  read_on(context, reading);
}

void read_on(const Context& context, const std::shared_ptr<Reading>& reading) {
  reading->query.limit = static_cast<std::uint32_t>(std::clamp<std::size_t>(reading->left, 1, rooms::kHistoryLimit));
  context.rooms.history(
      reading->call.actor(context), reading->query, [&context, reading](Result<rooms::HistoryPart> part) {
    if (!part) return reading->call.refuse(std::move(part).error());
    page_arrived(context, reading, std::move(*part));
  });
}

// The connections in a room, page by page.
struct Present {
  explicit Present(Call c) : call(std::move(c)) {}
  Call call;
  std::string after = {};
  std::size_t found = 0;
  std::string clients = {};
  std::vector<engine::NodeId> missing = {};
};

void append_client(std::string& out, const gateway::ClientRow& row) {
  if (!out.empty()) out += ',';
  const std::string client = gateway::shown(row.connection, row.node);
  fmt::format_to(std::back_inserter(out), R"("{0}":{{"client":"{0}","user":)", client);
  json::append_string(out, row.user.view());
  out += R"(,"conn_info":{"name":)";
  json::append_string(out, row.name);
  out += "}}";
}

void list_present(const Context& context, const std::shared_ptr<Present>& present) {
  const auto most = std::min<std::size_t>(gateway::kClientsPage, kMostPresent - present->found);
  context.clients.list(
      {.room = present->call.room(), .after = present->after, .limit = static_cast<std::uint32_t>(most)},
      [&context, present](Result<gateway::OfNodes<gateway::ClientsPage>> all) {
    if (!all) return present->call.refuse(std::move(all).error());
    gateway::ClientsPage& page = all->value;
    for (const gateway::ClientRow& row : page.clients) append_client(present->clients, row);
    for (engine::NodeId& node : all->missing)
      if (std::ranges::find(present->missing, node) == present->missing.end())
        present->missing.push_back(std::move(node));
    present->found += page.clients.size();
    present->after = std::move(page.next);
    if (present->after.empty() || present->found >= kMostPresent)
      return present->call.answer(R"({"presence":{)" + present->clients + '}' + missing_nodes(present->missing) + '}');
    list_present(context, present);
  });
}

} // namespace

void history(const Context& context, Call call) {
  if (auto may = call.may(rooms::RoomRight::read); !may) return call.refuse(std::move(may).error());
  const auto reading = std::make_shared<Reading>(std::move(call));
  const Arguments& asked = reading->call.arguments;
  const std::int64_t limit = asked.number("limit").value_or(0);
  reading->left = limit < 0 ? kMostRead : static_cast<std::size_t>(limit);
  reading->reverse = asked.flag("reverse");
  reading->query.room = reading->call.room();
  const Arguments* since = asked.object("since");
  const auto offset = static_cast<Offset>(since == nullptr ? 0 : since->number("offset").value_or(0));
  if (!reading->reverse)
    reading->query.after = offset;
  else if (since != nullptr)
    reading->query.before = offset;
  read_on(context, reading);
}

void presence(const Context& context, Call call) {
  if (auto may = call.may(rooms::RoomRight::read); !may) return call.refuse(std::move(may).error());
  rooms::Actor actor = call.actor(context);
  const RoomName room = call.room();
  // The room says whether it is there; the connections are with their sessions.
  context.rooms.presence(std::move(actor), room, {.members = 0},
      [&context, call = std::move(call)](Result<rooms::PresenceNow> now) mutable {
    if (!now) return call.refuse(std::move(now).error());
    if (now->subscribers == 0 && !context.clients.has_others()) return call.answer(R"({"presence":{}})");
    list_present(context, std::make_shared<Present>(std::move(call)));
  });
}

void presence_stats(const Context& context, Call call) {
  if (auto may = call.may(rooms::RoomRight::read); !may) return call.refuse(std::move(may).error());
  rooms::Actor actor = call.actor(context);
  const RoomName room = call.room();
  context.rooms.presence(std::move(actor), room, {.members = 0},
      [&context, room, call = std::move(call)](Result<rooms::PresenceNow> now) mutable {
    if (!now) return call.refuse(std::move(now).error());
    if (!context.clients.has_others())
      return call.answer(fmt::format(R"({{"num_clients":{},"num_users":{}}})", now->subscribers, now->connected));
    context.clients.audience(
        room, [call = std::move(call)](Result<gateway::OfNodes<gateway::AudienceNumbers>> all) mutable {
      call.answer(fmt::format(R"({{"num_clients":{},"num_users":{}{}}})", all->value.clients, all->value.users,
          missing_nodes(all->missing)));
    });
  });
}

void channels(const Context& context, Call call) {
  if (!call.caller().rights.may_somewhere(rooms::RoomRight::read))
    return call.refuse({.cause = Cause::PERMISSION_DENIED, .evidence = "read:*", .field = "needs"});
  const std::string_view pattern = call.arguments.text("pattern");
  context.clients.active(pattern.empty() ? "*" : std::string(pattern),
      [call = std::move(call)](Result<gateway::OfNodes<std::vector<rooms::ActiveRoom>>> rooms) mutable {
    if (!rooms) return call.refuse(std::move(rooms).error());
    std::string out = R"({"channels":{)";
    for (const rooms::ActiveRoom& each : rooms->value) {
      if (!call.caller().rights.may(rooms::RoomRight::read, each.room)) continue;
      if (!out.ends_with('{')) out += ',';
      json::append_string(out, each.room.view());
      fmt::format_to(std::back_inserter(out), R"(:{{"num_clients":{}}})", each.subscribers);
    }
    call.answer(out + '}' + missing_nodes(rooms->missing) + '}');
  });
}

void info(const Context& context, Call call) {
  context.clients.numbers(
      [&context, call = std::move(call)](Result<gateway::OfNodes<std::vector<gateway::NodeNumbers>>> all) mutable {
    json::Array nodes;
    for (const gateway::NodeNumbers& each : all->value) {
      const std::string& uid = each.node.empty() ? context.node : each.node;
      nodes.push_back(json::Object{{"uid", uid}, {"name", "foyer_" + uid}, {"version", each.version},
          {"num_clients", each.numbers.clients}, {"num_users", each.numbers.users},
          {"num_channels", each.numbers.rooms}, {"num_subs", each.numbers.subscriptions}, {"uptime", each.uptime_s}});
    }
    call.answer(R"({"nodes":)" + json::write(json::Value(std::move(nodes))) + missing_nodes(all->missing) + '}');
  });
}

} // namespace foyer::api

#include "gateway/client_bytes.h"

#include <algorithm>
#include <utility>

#include "engine/control_bytes.h"
#include "engine/node_questions.h"

namespace foyer::gateway {
namespace {

using rooms::kMostEventWord;
using rooms::PackedReader;
using rooms::PackedWriter;

constexpr std::uint8_t kVersion = 1;

PackedWriter begun() {
  PackedWriter out;
  out.byte(kVersion);
  return out;
}

PackedReader begun(std::string_view bytes) {
  PackedReader in(bytes);
  if (in.byte() != kVersion) in.fail();
  return in;
}

// A list of what takes a byte or more each.
template <class T, class Read>
std::vector<T> read_list(PackedReader& in, Read read) {
  std::vector<T> out;
  const std::uint64_t count = in.number();
  if (count > in.rest().size()) in.fail();
  if (!in.failed()) out.reserve(count);
  for (std::uint64_t i = 0; i < count && !in.failed(); ++i) out.push_back(read(in));
  return out;
}

std::string word(PackedReader& in) { return in.text(kMostEventWord); }

template <class T>
std::optional<T> if_whole(const PackedReader& in, T value) {
  if (!in.whole()) return std::nullopt;
  return value;
}

void write(PackedWriter& out, const ClientRow& row) {
  out.number(row.connection);
  for (const std::string_view text : {row.user.view(), std::string_view(row.name), row.session.view(),
           std::string_view(row.transport), std::string_view(row.address), std::string_view(row.node)})
    out.text(text);
  for (const WallTime time : {row.since, row.last_heard, row.expires_at}) out.time(time);
  out.number(row.queued);
  out.number(row.rooms);
}

ClientRow read_row(PackedReader& in) {
  ClientRow row;
  row.connection = in.number();
  row.user = UserId(word(in));
  row.name = word(in);
  row.session = SessionId(word(in));
  row.transport = word(in);
  row.address = word(in);
  row.node = word(in);
  row.since = in.time();
  row.last_heard = in.time();
  row.expires_at = in.time();
  row.queued = in.number();
  row.rooms = in.number();
  return row;
}

} // namespace

bool resolve(const NamedSelection& named, std::string_view node, engine::Selection& into) {
  into = named.who;
  if (!named.client.empty()) {
    const auto client = read_connection(named.client);
    if (client && client->node != node && !node.empty()) return false;
    into.connection = client && client->node == node ? client->connection : 0;
  }
  for (const std::string& each : named.keep)
    if (const auto kept = read_connection(each); kept && kept->node == node) into.keep.push_back(kept->connection);
  return true;
}

std::string to_bytes(const ClientsQuery& query) {
  PackedWriter out = begun();
  out.text(query.user.view());
  out.text(query.address);
  out.text(query.room.view());
  out.text(query.after);
  out.number(query.limit);
  return out.take();
}

std::optional<ClientsQuery> read_query(std::string_view bytes) {
  PackedReader in = begun(bytes);
  ClientsQuery query;
  query.user = UserId(word(in));
  query.address = word(in);
  query.room = RoomName(word(in));
  query.after = word(in);
  query.limit = static_cast<std::uint32_t>(std::min<std::uint64_t>(in.number(), kClientsPage));
  return if_whole(in, std::move(query));
}

std::string to_bytes(const ClientsPage& page) {
  PackedWriter out = begun();
  out.number(page.clients.size());
  for (const ClientRow& row : page.clients) write(out, row);
  out.text(page.next);
  return out.take();
}

std::optional<ClientsPage> read_page(std::string_view bytes) {
  PackedReader in = begun(bytes);
  ClientsPage page{.clients = read_list<ClientRow>(in, read_row), .next = {}};
  page.next = word(in);
  return if_whole(in, std::move(page));
}

std::string to_bytes(const std::vector<UserId>& users) {
  PackedWriter out = begun();
  out.number(users.size());
  for (const UserId& user : users) out.text(user.view());
  return out.take();
}

std::optional<std::vector<UserId>> read_users(std::string_view bytes) {
  PackedReader in = begun(bytes);
  auto users = read_list<UserId>(in, [](PackedReader& each) { return UserId(word(each)); });
  return if_whole(in, std::move(users));
}

std::string to_bytes(const std::vector<UserStatus>& statuses) {
  PackedWriter out = begun();
  out.number(statuses.size());
  for (const UserStatus& status : statuses) {
    out.number(status.connections);
    out.flag(status.last_seen.has_value());
    if (status.last_seen) out.time(*status.last_seen);
  }
  return out.take();
}

std::optional<std::vector<UserStatus>> read_statuses(std::string_view bytes) {
  PackedReader in = begun(bytes);
  auto statuses = read_list<UserStatus>(in, [](PackedReader& each) {
    UserStatus status;
    status.connections = each.number();
    if (each.flag()) status.last_seen = each.time();
    return status;
  });
  return if_whole(in, std::move(statuses));
}

std::string to_bytes(const Action& action) {
  PackedWriter out = begun();
  out.text(action.who.who.user.view());
  out.text(action.who.who.session.view());
  out.text(action.who.client);
  out.number(action.who.keep.size());
  for (const std::string& each : action.who.keep) out.text(each);
  out.text(engine::to_bytes(action.message));
  return out.take();
}

std::optional<Action> read_action(std::string_view bytes) {
  PackedReader in = begun(bytes);
  NamedSelection who;
  who.who.user = UserId(word(in));
  who.who.session = SessionId(word(in));
  who.client = word(in);
  who.keep = read_list<std::string>(in, word);
  auto message = engine::read_control(in.bytes(engine::kMostQuestionBytes));
  if (!message || !in.whole()) return std::nullopt;
  return Action{.who = std::move(who), .message = *std::move(message)};
}

std::string to_bytes(const Result<Applied>& applied) {
  PackedWriter out = begun();
  out.flag(applied.has_value());
  if (applied)
    out.number(applied->connections);
  else
    engine::write(out, applied.error());
  return out.take();
}

std::optional<Result<Applied>> read_applied(std::string_view bytes) {
  PackedReader in = begun(bytes);
  Result<Applied> applied = Applied{};
  if (in.flag())
    applied->connections = in.number();
  else
    applied = std::unexpected(engine::read_refusal(in));
  return if_whole(in, std::move(applied));
}

std::string to_bytes(const std::vector<rooms::ActiveRoom>& rooms) {
  PackedWriter out = begun();
  out.number(rooms.size());
  for (const rooms::ActiveRoom& each : rooms) {
    out.text(each.room.view());
    out.number(each.subscribers);
  }
  return out.take();
}

std::optional<std::vector<rooms::ActiveRoom>> read_rooms(std::string_view bytes) {
  PackedReader in = begun(bytes);
  auto rooms = read_list<rooms::ActiveRoom>(in, [](PackedReader& each) {
    rooms::ActiveRoom room{.room = RoomName(word(each))};
    room.subscribers = each.number();
    return room;
  });
  return if_whole(in, std::move(rooms));
}

std::string to_bytes(const rooms::RoomAudience& audience) {
  PackedWriter out = begun();
  out.number(audience.subscribers);
  out.number(audience.users.size());
  for (const std::uint64_t user : audience.users) out.number(user);
  return out.take();
}

std::optional<rooms::RoomAudience> read_audience(std::string_view bytes) {
  PackedReader in = begun(bytes);
  rooms::RoomAudience audience{.subscribers = in.number()};
  audience.users = read_list<std::uint64_t>(in, [](PackedReader& each) { return each.number(); });
  return if_whole(in, std::move(audience));
}

std::string to_bytes(const NodeNumbers& numbers) {
  PackedWriter out = begun();
  out.text(numbers.node);
  out.text(numbers.version);
  for (const std::uint64_t number : {std::uint64_t{numbers.numbers.clients}, std::uint64_t{numbers.numbers.users},
           std::uint64_t{numbers.numbers.rooms}, std::uint64_t{numbers.numbers.subscriptions}, numbers.uptime_s})
    out.number(number);
  return out.take();
}

std::optional<NodeNumbers> read_numbers(std::string_view bytes) {
  PackedReader in = begun(bytes);
  NodeNumbers out;
  out.node = word(in);
  out.version = word(in);
  out.numbers.clients = in.number();
  out.numbers.users = in.number();
  out.numbers.rooms = in.number();
  out.numbers.subscriptions = in.number();
  out.uptime_s = in.number();
  return if_whole(in, std::move(out));
}

} // namespace foyer::gateway

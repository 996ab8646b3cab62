#include "gateway/clients.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "gateway/session.h"
#include "rooms/model/room.h"

namespace foyer::gateway {
namespace {

template <class Number>
std::optional<Number> hexadecimal(std::string_view text, std::size_t digits) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (text.size() != digits || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Where a listing continues: a loop, and a slot there.
struct Place {
  std::size_t shard = 0;
  std::uint32_t slot = 0;
};
std::string shown(const Place& place) { return fmt::format("{:04x}{:08x}", place.shard, place.slot); }
std::optional<Place> read_place(std::string_view text) {
  const auto both = hexadecimal<std::uint64_t>(text, 12);
  if (!both) return std::nullopt;
  return Place{.shard = *both >> 32U, .slot = static_cast<std::uint32_t>(*both)};
}

ClientRow row_of(const Shard& shard, const Session& session) {
  const Link::Facts facts = session.link().facts();
  return {.connection = session.id(),
      .user = session.user(),
      .name = std::string(session.identity().name()),
      .session = SessionId{session.identity().session()},
      .transport = std::string(facts.transport),
      .address = std::string(session.address()),
      .since = shard.wall_of(facts.opened),
      .last_heard = shard.wall_of(facts.heard),
      .expires_at = session.identity().expires_at(),
      .queued = session.link().transport().queued(),
      .rooms = session.memberships.size(),
      .node = shard.deps().node_name};
}

std::optional<Refusal> check(const engine::Selection& who) {
  if (!who.user.empty() || who.connection || !who.session.empty()) return std::nullopt;
  return Refusal{.cause = Cause::BAD_REQUEST, .evidence = "user, client or session is required", .field = "user"};
}

std::optional<Refusal> check_room(const RoomName& room) {
  auto kind = rooms::kind_of(room.view());
  if (kind) return std::nullopt;
  return std::move(kind).error();
}

} // namespace

std::string shown(ConnectionId connection, std::string_view node) {
  return node.empty() ? fmt::format("{:016x}", connection) : fmt::format("{:016x}.{}", connection, node);
}

std::optional<NamedConnection> read_connection(std::string_view text) {
  const std::size_t point = text.find('.');
  const auto number = hexadecimal<ConnectionId>(text.substr(0, point), 16);
  if (!number) return std::nullopt;
  return NamedConnection{
      .connection = *number, .node = point == text.npos ? std::string_view{} : text.substr(point + 1)};
}

std::string place_of(const ClientRow& row) {
  const ConnectionAddress address = unpack(row.connection);
  return shown(Place{.shard = address.loop, .slot = address.slot});
}

template <class T>
Completion<T> Clients::on_control(Completion<T> done) const {
  return [&control = deps_.control, done = std::move(done)](Result<T> result) mutable {
    control.post([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
  };
}

template <class State>
void Clients::over_all(std::unique_ptr<State> state, void (*step)(Shard&, State&), std::size_t shard) {
  if (shard == shards_.size()) return state->answer();
  shards_[shard]->loop().post([this, state = std::move(state), step, shard]() mutable {
    step(*shards_[shard], *state);
    over_all(std::move(state), step, shard + 1);
  });
}

// Queries

struct Clients::Listing {
  ClientsQuery query;
  Place from;
  ClientsPage page = {};
  Completion<ClientsPage> done;
};

void Clients::list(ClientsQuery query, Completion<ClientsPage> done) {
  auto answer = on_control(std::move(done));
  if (query.limit == 0 || query.limit > kClientsPage)
    return answer(refuse_field(Cause::BAD_REQUEST, "limit", fmt::format("1 to {}", kClientsPage)));
  const auto from = query.after.empty() ? Place{} : read_place(query.after);
  if (!from) return answer(refuse_field(Cause::BAD_REQUEST, "after", "not a `next` of an earlier page of this list"));
  list_from(std::make_unique<Listing>(Listing{.query = std::move(query), .from = *from, .done = std::move(answer)}));
}

void Clients::list_from(std::unique_ptr<Listing> listing) {
  const std::size_t shard = listing->from.shard;
  if (shard >= shards_.size()) return listing->done(std::move(listing->page));
  shards_[shard]->loop().post([this, shard = shards_[shard].get(), listing = std::move(listing)]() mutable {
    const ClientsQuery& query = listing->query;
    SessionFilter filter{.who = {.user = query.user}, .address = query.address, .room = query.room};
    const std::uint32_t slot = listing->from.slot;
    Listing& state = *listing;
    shard->visit(std::move(filter), slot, [shard, &state](Session& session) {
      if (state.page.clients.size() == state.query.limit) return false;
      state.page.clients.push_back(row_of(*shard, session));
      return true;
    }, [this, listing = std::move(listing)](std::optional<std::uint32_t> stopped) mutable {
      if (stopped) {
        listing->page.next = shown(Place{.shard = listing->from.shard, .slot = *stopped});
        return listing->done(std::move(listing->page));
      }
      listing->from = {.shard = listing->from.shard + 1};
      list_from(std::move(listing));
    });
  });
}

void Clients::status(std::vector<UserId> users, Completion<std::vector<UserStatus>> done) {
  struct Asked {
    std::vector<UserStatus> statuses;
    Completion<std::vector<UserStatus>> done;
    void answer() { done(std::move(statuses)); }
  };
  auto state = std::make_unique<Asked>(Asked{.statuses = {}, .done = on_control(std::move(done))});
  if (users.size() > kStatusUsers)
    return state->done(refuse_field(Cause::BAD_REQUEST, "users", fmt::format("at most {}", kStatusUsers)));
  for (UserId& user : users) state->statuses.push_back({.user = std::move(user)});
  over_all<Asked>(std::move(state), [](Shard& shard, Asked& asked) {
    for (UserStatus& status : asked.statuses) {
      const Shard::Status here = shard.status_of(status.user);
      status.connections += here.connections;
      if (here.seen) status.last_seen = std::max(status.last_seen.value_or(*here.seen), *here.seen);
    }
  });
}

void Clients::numbers(Completion<ClientNumbers> done) {
  struct Sum {
    ClientNumbers numbers;
    Completion<ClientNumbers> done;
    void answer() { done(numbers); }
  };
  auto state =
      std::make_unique<Sum>(Sum{.numbers = {.users = deps_.users.users()}, .done = on_control(std::move(done))});
  over_all<Sum>(std::move(state), [](Shard& shard, Sum& sum) {
    sum.numbers.clients += shard.sockets.load(std::memory_order_relaxed);
    sum.numbers.rooms += shard.home().occupied();
    sum.numbers.subscriptions += shard.subscriptions();
  });
}

// Actions

template <class Request>
void Clients::send(Request request, Completion<Applied> done) {
  request.outcome = std::make_shared<engine::Outcome>(on_control(std::move(done)));
  if (auto refusal = check(request.who)) return request.outcome->refused(std::move(*refusal));
  if constexpr (requires { request.room; })
    if (auto refusal = check_room(request.room)) return request.outcome->refused(std::move(*refusal));
  deps_.bus->send(std::move(request), {.to = deps_.bus->node()});
}

void Clients::disconnect(engine::Disconnect request, Completion<Applied> done) {
  send(std::move(request), std::move(done));
}

void Clients::unsubscribe(engine::Unsubscribe request, Completion<Applied> done) {
  send(std::move(request), std::move(done));
}

void Clients::subscribe(engine::Subscribe request, Completion<Applied> done) {
  send(std::move(request), std::move(done));
}

void Clients::set_expiry(engine::SetExpiry request, Completion<Applied> done) {
  send(std::move(request), std::move(done));
}

} // namespace foyer::gateway

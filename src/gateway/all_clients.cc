#include "gateway/all_clients.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <unordered_set>
#include <variant>

namespace foyer::gateway {
namespace {

using engine::NodeAnswers;
using engine::NodeId;
using engine::Question;

template <class T>
struct FromNode {
  NodeId node;
  T value;
};

// What can be read of the answers; the other nodes are missing.
template <class Read>
auto read_all(NodeAnswers& answers, Read read) {
  std::vector<FromNode<typename decltype(read(std::string_view{}))::value_type>> out;
  for (const engine::NodeAnswer& answer : answers.given) {
    if (auto value = read(answer.bytes))
      out.push_back({.node = answer.node, .value = *std::move(value)});
    else
      answers.missing.push_back(answer.node);
  }
  std::ranges::sort(answers.missing);
  return out;
}

// In the list of all nodes: `000000000003.q8ZtN4hVbR5uL2mJ`.
struct NodePlace {
  std::string_view here; // of the node's own list
  std::string_view node;
};
std::string at_node(std::string_view here, std::string_view node) { return fmt::format("{}.{}", here, node); }
std::optional<NodePlace> read_node_place(std::string_view text) {
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) return std::nullopt;
  return NodePlace{.here = text.substr(0, point), .node = text.substr(point + 1)};
}
// Where the list of this node continues; nullopt: it is not asked.
std::optional<std::string> begin_at(const std::string& after, const NodeId& node) {
  const auto place = read_node_place(after);
  if (!place || node.view() > place->node) return std::string();
  if (node.view() < place->node) return std::nullopt;
  return std::string(place->here);
}

ClientsPage one_list(std::vector<FromNode<ClientsPage>> pages, std::size_t limit) {
  ClientsPage out;
  std::ranges::sort(pages, {}, &FromNode<ClientsPage>::node);
  for (auto& [node, page] : pages) {
    for (ClientRow& row : page.clients) {
      if (out.clients.size() == limit) {
        out.next = at_node(place_of(row), node.view());
        return out;
      }
      out.clients.push_back(std::move(row));
    }
    if (page.next.empty()) continue;
    out.next = at_node(page.next, node.view());
    return out;
  }
  return out;
}

void act(Clients& here, engine::Disconnect request, Completion<Applied> done) {
  here.disconnect(std::move(request), std::move(done));
}
void act(Clients& here, engine::Unsubscribe request, Completion<Applied> done) {
  here.unsubscribe(std::move(request), std::move(done));
}
void act(Clients& here, engine::Subscribe request, Completion<Applied> done) {
  here.subscribe(std::move(request), std::move(done));
}
void act(Clients& here, engine::SetExpiry request, Completion<Applied> done) {
  here.set_expiry(std::move(request), std::move(done));
}

} // namespace

AllClients::AllClients(Clients& here, rooms::RoomService& rooms, const GatewayDeps& deps, observe::BuildInfo build)
    : here_(here),
      rooms_(rooms),
      deps_(deps),
      build_(std::move(build)),
      questions_(deps.questions) {
  if (questions_) answer_others();
}

template <class T>
void AllClients::ask(
    Question question, engine::NodeQuestions::Which which, std::string bytes, Here<T> here, Both<T> done) {
  if (!questions_) return here([done = std::move(done)](Result<T> own) mutable { done(std::move(own), {}); });
  struct Awaited { // on the control plane
    std::optional<Result<T>> own;
    std::optional<NodeAnswers> others;
    Both<T> done;
    void go_on() {
      if (own && others) done(*std::move(own), *std::move(others));
    }
  };
  const auto both = std::make_shared<Awaited>(Awaited{.own = {}, .others = {}, .done = std::move(done)});
  here([both](Result<T> own) {
    both->own = std::move(own);
    both->go_on();
  });
  questions_->ask(question, std::move(which), std::move(bytes), [both](NodeAnswers others) {
    both->others = std::move(others);
    both->go_on();
  });
}

// What others ask

template <class T, class Read>
void AllClients::answer(Question question, Read read, std::function<void(T, Completion<std::string>)> by) {
  questions_->answer(question, [read, by = std::move(by)](std::string_view bytes, engine::NodeQuestions::Reply reply) {
    auto asked = read(bytes);
    if (!asked) return; // of another form: whoever asks notices
    by(*std::move(asked), [reply = std::move(reply)](Result<std::string> said) mutable {
      if (said) reply(*std::move(said));
    });
  });
}

template <class T>
Completion<T> as_bytes(Completion<std::string> done) {
  return [done = std::move(done)](Result<T> value) mutable {
    if (!value) return done(std::unexpected(std::move(value).error()));
    done(to_bytes(*value));
  };
}

void AllClients::answer_others() {
  answer<ClientsQuery>(Question::clients, read_query, [this](ClientsQuery query, Completion<std::string> done) {
    const auto after = begin_at(query.after, questions_->node());
    if (!after) return done(to_bytes(ClientsPage{}));
    query.after = *after;
    here_.list(std::move(query), as_bytes<ClientsPage>(std::move(done)));
  });
  answer<std::vector<UserId>>(
      Question::statuses, read_users, [this](std::vector<UserId> users, Completion<std::string> done) {
    here_.status(std::move(users), as_bytes<std::vector<UserStatus>>(std::move(done)));
  });
  answer<Action>(Question::action, read_action, [this](Action action, Completion<std::string> done) {
    act_here(action.who, std::move(action.message),
        [done = std::move(done)](Result<Applied> applied) mutable { done(to_bytes(applied)); });
  });
  const auto text = [](std::string_view bytes) { return std::optional(std::string(bytes)); };
  answer<std::string>(Question::rooms, text, [this](std::string pattern, Completion<std::string> done) {
    active_here(std::move(pattern), as_bytes<std::vector<rooms::ActiveRoom>>(std::move(done)));
  });
  answer<std::string>(Question::room, text, [this](std::string room, Completion<std::string> done) {
    audience_here(RoomName(std::move(room)), as_bytes<rooms::RoomAudience>(std::move(done)));
  });
  answer<std::string>(Question::numbers, text, [this](const std::string&, Completion<std::string> done) {
    numbers_here(as_bytes<NodeNumbers>(std::move(done)));
  });
}

// Queries

void AllClients::list(ClientsQuery query, Completion<OfNodes<ClientsPage>> done) {
  const std::string after = query.after;
  const std::size_t limit = query.limit;
  if (questions_ && !after.empty() && !read_node_place(after))
    return done(refuse_field(Cause::BAD_REQUEST, "after", "not a `next` of an earlier page of this list"));
  const std::string bytes = questions_ ? to_bytes(query) : std::string();
  Here<ClientsPage> here = [this, query = std::move(query)](Completion<ClientsPage> own) mutable {
    if (questions_) {
      auto begin = begin_at(query.after, questions_->node());
      if (!begin) // it has been read
        return deps_.control.post([own = std::move(own)]() mutable { own(ClientsPage{}); });
      query.after = *std::move(begin);
    }
    here_.list(std::move(query), std::move(own));
  };
  ask<ClientsPage>(Question::clients, [after](const NodeId& node) { return begin_at(after, node).has_value(); }, bytes,
      std::move(here), [this, limit, done = std::move(done)](Result<ClientsPage> own, NodeAnswers others) mutable {
    if (!own) return done(std::unexpected(std::move(own).error()));
    if (!questions_) return done(OfNodes<ClientsPage>{.value = *std::move(own)});
    auto pages = read_all(others, read_page);
    pages.push_back({.node = questions_->node(), .value = *std::move(own)});
    done(OfNodes<ClientsPage>{.value = one_list(std::move(pages), limit), .missing = std::move(others.missing)});
  });
}

void AllClients::status(std::vector<UserId> users, Completion<OfNodes<std::vector<UserStatus>>> done) {
  using Statuses = std::vector<UserStatus>;
  std::string bytes = questions_ ? to_bytes(users) : std::string();
  ask<Statuses>(
      Question::statuses, {}, std::move(bytes), [this, users = std::move(users)](Completion<Statuses> own) mutable {
    here_.status(std::move(users), std::move(own));
  }, [done = std::move(done)](Result<Statuses> own, NodeAnswers others) mutable {
    if (!own) return done(std::unexpected(std::move(own).error()));
    for (const auto& [node, there] : read_all(others, read_statuses))
      for (std::size_t i = 0; i < std::min(own->size(), there.size()); ++i) {
        UserStatus& all = own->at(i);
        all.connections += there[i].connections;
        if (there[i].last_seen)
          all.last_seen = std::max(all.last_seen.value_or(*there[i].last_seen), *there[i].last_seen);
      }
    done(OfNodes<Statuses>{.value = *std::move(own), .missing = std::move(others.missing)});
  });
}

void AllClients::active_here(std::string pattern, Completion<std::vector<rooms::ActiveRoom>> done) {
  rooms_.active(
      std::move(pattern), [this, done = std::move(done)](Result<std::vector<rooms::ActiveRoom>> rooms) mutable {
    deps_.control.post([done = std::move(done), rooms = std::move(rooms)]() mutable { done(std::move(rooms)); });
  });
}

void AllClients::active(std::string pattern, Completion<OfNodes<std::vector<rooms::ActiveRoom>>> done) {
  using Rooms = std::vector<rooms::ActiveRoom>;
  ask<Rooms>(Question::rooms, {}, pattern, [this, pattern](Completion<Rooms> own) mutable {
    active_here(std::move(pattern), std::move(own));
  }, [done = std::move(done)](Result<Rooms> own, NodeAnswers others) mutable {
    if (!own) return done(std::unexpected(std::move(own).error()));
    if (others.given.empty())
      return done(OfNodes<Rooms>{.value = *std::move(own), .missing = std::move(others.missing)});
    std::map<RoomName, std::uint64_t> all;
    for (const rooms::ActiveRoom& each : *own) all[each.room] += each.subscribers;
    for (const auto& [node, rooms] : read_all(others, read_rooms))
      for (const rooms::ActiveRoom& each : rooms) all[each.room] += each.subscribers;
    OfNodes<Rooms> out{.value = {}, .missing = std::move(others.missing)};
    for (const auto& [room, subscribers] : all) out.value.push_back({.room = room, .subscribers = subscribers});
    done(std::move(out));
  });
}

void AllClients::audience_here(RoomName room, Completion<rooms::RoomAudience> done) {
  rooms_.audience(std::move(room), [this, done = std::move(done)](rooms::RoomAudience audience) mutable {
    deps_.control.post(
        [done = std::move(done), audience = std::move(audience)]() mutable { done(std::move(audience)); });
  });
}

void AllClients::audience(RoomName room, Completion<OfNodes<AudienceNumbers>> done) {
  ask<rooms::RoomAudience>(Question::room, {}, room.str(), [this, room](Completion<rooms::RoomAudience> own) {
    audience_here(room, std::move(own));
  }, [done = std::move(done)](Result<rooms::RoomAudience> own, NodeAnswers others) mutable {
    OfNodes<AudienceNumbers> out{.value = {.clients = own->subscribers}};
    std::unordered_set<std::uint64_t> users(own->users.begin(), own->users.end());
    for (const auto& [node, there] : read_all(others, read_audience)) {
      out.value.clients += there.subscribers;
      users.insert(there.users.begin(), there.users.end());
    }
    out.value.users = users.size();
    out.missing = std::move(others.missing);
    done(std::move(out));
  });
}

void AllClients::numbers_here(Completion<NodeNumbers> done) {
  here_.numbers([this, done = std::move(done)](Result<ClientNumbers> numbers) mutable {
    const auto up = std::chrono::floor<std::chrono::seconds>(deps_.clock.mono() - build_.started);
    done(NodeNumbers{.node = deps_.node_name,
        .version = build_.version,
        .numbers = *numbers,
        .uptime_s = static_cast<std::uint64_t>(up.count())});
  });
}

void AllClients::numbers(Completion<OfNodes<std::vector<NodeNumbers>>> done) {
  ask<NodeNumbers>(Question::numbers, {}, {}, [this](Completion<NodeNumbers> own) { numbers_here(std::move(own)); },
      [done = std::move(done)](Result<NodeNumbers> own, NodeAnswers others) mutable {
    OfNodes<std::vector<NodeNumbers>> out;
    out.value.push_back(*std::move(own));
    for (auto& [node, there] : read_all(others, read_numbers)) out.value.push_back(std::move(there));
    std::ranges::sort(out.value, {}, &NodeNumbers::node);
    out.missing = std::move(others.missing);
    done(std::move(out));
  });
}

// Actions

void AllClients::act_here(const NamedSelection& who, engine::ControlMessage message, Completion<Applied> done) {
  engine::Selection here;
  if (!resolve(who, deps_.node_name, here))
    return deps_.control.post([done = std::move(done)]() mutable { done(Applied{}); });
  std::visit([&](auto& request) {
    if constexpr (requires { request.outcome; }) {
      request.who = std::move(here);
      gateway::act(here_, std::move(request), std::move(done));
    }
  }, message);
}

template <class Request>
void AllClients::act_everywhere(NamedSelection who, Request request, Completion<OfNodes<Applied>> done) {
  Action action{.who = std::move(who), .message = std::move(request)};
  std::string bytes = questions_ ? to_bytes(action) : std::string();
  const auto client = read_connection(action.who.client);
  std::string only = client ? std::string(client->node) : std::string(); // where that connection is
  engine::NodeQuestions::Which which;
  if (!only.empty()) which = [only = std::move(only)](const NodeId& node) { return node.view() == only; };
  ask<Applied>(Question::action, std::move(which), std::move(bytes),
      [this, action = std::move(action)](Completion<Applied> own) mutable {
    act_here(action.who, std::move(action.message), std::move(own));
  }, [done = std::move(done)](Result<Applied> own, NodeAnswers others) mutable {
    OfNodes<Applied> out;
    std::optional<Refusal> refusal;
    const auto add = [&](Result<Applied> applied) {
      if (applied) out.value.connections += applied->connections;
      if (!applied && !refusal) refusal = std::move(applied).error();
    };
    add(std::move(own));
    for (auto& [node, there] : read_all(others, read_applied)) add(std::move(there));
    if (refusal && out.value.connections == 0) return done(std::unexpected(*std::move(refusal)));
    out.missing = std::move(others.missing);
    done(std::move(out));
  });
}

void AllClients::act(NamedSelection who, engine::Disconnect request, Completion<OfNodes<Applied>> done) {
  act_everywhere(std::move(who), std::move(request), std::move(done));
}
void AllClients::act(NamedSelection who, engine::Unsubscribe request, Completion<OfNodes<Applied>> done) {
  act_everywhere(std::move(who), std::move(request), std::move(done));
}
void AllClients::act(NamedSelection who, engine::Subscribe request, Completion<OfNodes<Applied>> done) {
  act_everywhere(std::move(who), std::move(request), std::move(done));
}
void AllClients::act(NamedSelection who, engine::SetExpiry request, Completion<OfNodes<Applied>> done) {
  act_everywhere(std::move(who), std::move(request), std::move(done));
}

} // namespace foyer::gateway

#include "redis/line.h"

#include <optional>
#include <utility>

#include "redis/backoff.h"

namespace foyer::redis {
namespace {

using Kind = Failure::Kind;
using client::NetError;

Failure failure_of(const NetError& error, const std::string& server) {
  const bool was_open = error.kind == NetError::Kind::closed;
  const Kind kind = error.kind == NetError::Kind::tls ? Kind::tls : was_open ? Kind::lost : Kind::unreachable;
  return {.kind = kind, .what = server + ": " + error.what};
}

} // namespace

struct Line::State : std::enable_shared_from_this<State> {
  State(exec::ControlPlane& p, Server s, Policy o, Entropy& e, Events v)
      : plane(p),
        server(std::move(s)),
        at(server.url),
        policy(o),
        entropy(e),
        events(std::move(v)),
        backoff(policy.backoff_first, policy.backoff_most) {}

  enum class Phase : std::uint8_t {
    waiting,    // for the next attempt, or for start()
    connecting, // TCP, TLS
    login,      // `unanswered` replies are awaited
    open,
    closed, // the owner is gone
  };

  exec::ControlPlane& plane;
  const Server server;
  ServerUrl at; // of the current attempt
  const Policy policy;
  Entropy& entropy;
  Events events;
  Backoff backoff;
  Phase phase = Phase::waiting;
  std::uint64_t attempt = 0; // numbers the links: events of an earlier one are ignored
  std::weak_ptr<client::Link> link;
  std::optional<ReplyReader> reader;
  std::size_t unanswered = 0;
  TimerId timer = 0; // the next attempt, or the deadline of the login
  MonoTime opened_at{};
  std::uint64_t bytes_seen = 0;
  std::shared_ptr<void> watching; // where the primary is

  void start();
  void connect();
  void moved();
  void log_in();
  void on_bytes(std::string_view bytes);
  void on_login_reply(const Reply& reply);
  void end(Failure failure, bool at_once = false);
  void close();
  void set_timer(Millis wait, std::function<void(State&)> then);
};

void Line::State::set_timer(Millis wait, std::function<void(State&)> then) {
  plane.cancel(timer);
  timer = plane.after(wait, [weak = weak_from_this(), now = attempt, then = std::move(then)] {
    if (const auto self = weak.lock(); self && self->attempt == now && self->phase != Phase::closed) then(*self);
  });
}

void Line::State::start() {
  if (server.primary)
    watching = server.primary->watch([&plane = plane, weak = weak_from_this()](const Whereabouts::At&) {
      plane.post([weak] {
        if (const auto self = weak.lock(); self && self->phase != Phase::closed) self->moved();
      });
    });
  connect();
}

// A deposed primary keeps its subscribers for seconds, and they hear nothing: so what is open ends at once.
void Line::State::moved() {
  if (phase == Phase::waiting) {
    plane.cancel(timer);
    backoff.reset();
    return connect();
  }
  const auto now = server.primary->now();
  if (!now || !*now || **now == Endpoint{at.host, at.port}) return;
  end({.kind = Kind::lost, .what = server.shown() + ": the primary is " + (*now)->shown() + " now"}, true);
}

void Line::State::connect() {
  if (server.primary) {
    const auto now = server.primary->now();
    if (!now) return; // moved() follows
    if (!*now) {
      phase = Phase::connecting;
      return end(now->error());
    }
    at.host = (*now)->host;
    at.port = (*now)->port;
  }
  phase = Phase::connecting;
  reader.emplace(policy.replies);
  const std::uint64_t now = ++attempt;
  client::LinkTarget target{.host = at.host,
      .port = at.port,
      .tls = at.tls,
      .tls_options = server.tls,
      .connect_timeout = policy.connect_timeout};
  std::weak_ptr<State> weak = weak_from_this();
  client::Link::Events link_events;
  link_events.ready = [weak, now] {
    if (const auto self = weak.lock(); self && self->attempt == now) self->log_in();
  };
  link_events.bytes = [weak, now](std::span<char> bytes) {
    if (const auto self = weak.lock(); self && self->attempt == now) self->on_bytes({bytes.data(), bytes.size()});
  };
  link_events.ended = [weak, now](NetError error) {
    if (const auto self = weak.lock(); self && self->attempt == now) self->end(failure_of(error, self->at.shown()));
  };
  link = client::Link::open(plane, std::move(target), std::move(link_events));
}

// PING is last: without a needed password, and while the server loads its data, it is refused. INFO, not ROLE: that is
// a right that few users have.
void Line::State::log_in() {
  phase = Phase::login;
  std::vector<Command> commands;
  const auto& url = at;
  if (!url.password.empty())
    commands.push_back(url.user.empty() ? Command{"AUTH", url.password} : Command{"AUTH", url.user, url.password});
  if (url.db != 0) commands.push_back({"SELECT", std::to_string(url.db)});
  for (const auto& script : server.scripts) commands.push_back({"SCRIPT", "LOAD", script});
  if (server.primary) commands.push_back({"INFO", "replication"});
  commands.push_back({"PING"});
  std::string bytes;
  for (const auto& command : commands) append_command(bytes, command);
  unanswered = commands.size();
  set_timer(policy.command_timeout, [](State& self) {
    self.end({.kind = Kind::timeout,
        .what = self.at.shown() + ": no reply to the login within " +
            std::to_string(self.policy.command_timeout.count()) + " ms"});
  });
  if (const auto there = link.lock()) there->write(std::move(bytes));
}

void Line::State::on_bytes(std::string_view bytes) {
  const auto self = shared_from_this(); // an event may end the owner
  const std::uint64_t now = attempt;
  bytes_seen += bytes.size();
  reader->feed(bytes);
  while (attempt == now && (phase == Phase::open || phase == Phase::login)) {
    auto reply = reader->next();
    if (!reply) {
      if (!reader->error().empty())
        end({.kind = Kind::protocol, .what = at.shown() + " does not speak RESP2: " + reader->error()});
      return;
    }
    if (phase == Phase::login)
      on_login_reply(*reply);
    else
      events.reply(std::move(*reply));
  }
}

void Line::State::on_login_reply(const Reply& reply) {
  if (reply.kind == Reply::Kind::error)
    return end(
        {.kind = kind_of_error(reply.text), .what = at.shown() + " refused the login: " + shown_error(reply.text)});
  if (server.primary && unanswered == 2 && reply.text.find("role:master") == std::string::npos)
    return end({.kind = Kind::read_only, .what = at.shown() + " is not a primary"});
  if (--unanswered > 0) return;
  if (reply.text != "PONG") return end({.kind = Kind::protocol, .what = at.shown() + " did not answer PING with PONG"});
  plane.cancel(timer);
  phase = Phase::open;
  opened_at = system_clock().mono();
  events.opened();
}

void Line::State::end(Failure failure, bool at_once) {
  if (phase == Phase::closed || phase == Phase::waiting) return;
  // A server that ends every connection at once is not asked again at once.
  if (phase == Phase::open && system_clock().mono() - opened_at >= policy.backoff_most) backoff.reset();
  phase = Phase::waiting;
  ++attempt;
  if (const auto there = link.lock()) there->abort();
  if (at_once) backoff.reset();
  set_timer(at_once ? Millis{0} : backoff.next(entropy), [](State& self) { self.connect(); });
  events.lost(failure);
}

void Line::State::close() {
  watching.reset();
  phase = Phase::closed;
  ++attempt;
  plane.cancel(timer);
  if (const auto there = link.lock()) there->abort();
}

Line::Line(exec::ControlPlane& plane, Server server, Policy policy, Entropy& entropy, Events events)
    : state_(std::make_shared<State>(plane, std::move(server), policy, entropy, std::move(events))) {}
Line::~Line() { state_->close(); }

void Line::start() { state_->start(); }
void Line::write(std::string bytes) {
  if (state_->phase != State::Phase::open) return;
  if (const auto there = state_->link.lock()) there->write(std::move(bytes));
}
void Line::fail(Failure failure) { state_->end(std::move(failure)); }
bool Line::open() const { return state_->phase == State::Phase::open; }
std::uint64_t Line::received() const { return state_->bytes_seen; }

} // namespace foyer::redis

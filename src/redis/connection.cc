#include "redis/connection.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "redis/line.h"

namespace foyer::redis {
namespace {

using Kind = Failure::Kind;

struct Waiting {
  ReplyCompletion done;
  MonoTime deadline{};
};
struct Refused {
  ReplyCompletion done;
  Failure failure;
};

} // namespace

struct Connection::State : std::enable_shared_from_this<State> {
  State(const Server& s, Policy p, ConnectionWatch w, exec::ControlPlane* shared)
      : name(s.shown()),
        at{.host = s.url.host, .port = s.url.port},
        policy(p),
        watch(std::move(w)),
        plane(shared != nullptr ? *shared : own.emplace("redis")) {}
  void start(Server server, Entropy& entropy) {
    line.emplace(plane, std::move(server), policy, entropy,
        Line::Events{.opened = [this] { on_opened(); }, .reply = [this](Reply reply) {
      on_reply(std::move(reply));
    }, .lost = [this](const Failure& failure) { on_lost(failure); }});
    post([](State& self) { self.line->start(); });
    const Millis tick = std::max(Millis{10}, std::min(policy.command_timeout, policy.idle) / 8);
    ticker = plane.every(tick, [weak = weak_from_this()] {
      if (const auto self = weak.lock(); self && self->line) self->on_tick();
    });
  }
  // A completion may be running, and may send; after that, the rest is answered here.
  void finish() {
    if (own) own->stop();
    plane.cancel(ticker);
    line.reset();
    std::deque<Waiting> unsent;
    {
      const std::lock_guard held(mutex);
      closed = true;
      unsent = std::exchange(pending, {});
    }
    fail_all(in_flight, {.kind = Kind::closed, .what = name + ": this end is closing", .maybe_done = true});
    fail_all(unsent, {.kind = Kind::closed, .what = name + ": this end is closing"});
    answer_refused();
  }
  // A thread of one's own has stopped before this is gone; a shared one goes on.
  void post(void (*then)(State&)) {
    if (own)
      plane.post([this, then] { then(*this); });
    else
      plane.post([weak = weak_from_this(), then] {
        if (const auto self = weak.lock(); self && self->line) then(*self);
      });
  }

  void send(const Command& command, ReplyCompletion done, bool asking);
  void flush();
  void answer_refused();
  void on_opened();
  void on_reply(Reply reply);
  void on_lost(const Failure& failure);
  void on_tick();
  void fail_all(std::deque<Waiting>& commands, const Failure& failure);

  const std::string name;
  const Endpoint at;
  const Policy policy;
  const ConnectionWatch watch;
  std::atomic<std::size_t> waiting{0};
  std::atomic<bool> is_open{false};

  std::mutex mutex;            // the next members
  std::string outgoing;        // the bytes of `pending`
  std::deque<Waiting> pending; // not written yet
  std::deque<Refused> refused; // not sent, and not answered yet
  bool flush_posted = false;
  bool closed = false;
  std::optional<Failure> down; // what the last attempt failed with

  std::deque<Waiting> in_flight; // written; the plane's thread only, as what follows
  MonoTime last_use{};
  std::optional<exec::ControlPlane> own;
  exec::ControlPlane& plane;
  TimerId ticker = 0;
  std::optional<Line> line; // nothing: it has ended
};

void Connection::State::fail_all(std::deque<Waiting>& commands, const Failure& failure) {
  for (auto& each : commands) {
    waiting.fetch_sub(1);
    each.done(std::unexpected(failure));
  }
  commands.clear();
}

void Connection::State::send(const Command& command, ReplyCompletion done, bool asking) {
  const std::lock_guard held(mutex);
  std::optional<Failure> failed;
  if (closed)
    failed = Failure{.kind = Kind::closed, .what = name + ": this end is closing"};
  else if (down)
    failed = *down;
  else if (waiting.load() >= policy.waiting_commands)
    failed = Failure{.kind = Kind::full,
        .what = name + ": " + std::to_string(policy.waiting_commands) + " commands are waiting for replies"};
  else if (outgoing.size() >= policy.waiting_bytes)
    failed = Failure{.kind = Kind::full,
        .what = name + ": " + std::to_string(policy.waiting_bytes) + " bytes are waiting to be sent"};
  if (failed) {
    refused.push_back({std::move(done), *std::move(failed)});
  } else {
    const MonoTime deadline = system_clock().mono() + policy.command_timeout;
    if (asking) {
      append_command(outgoing, Command{"ASKING"});
      pending.push_back({[](const auto&) {}, deadline});
      waiting.fetch_add(1);
    }
    append_command(outgoing, command);
    pending.push_back({std::move(done), deadline});
    waiting.fetch_add(1);
  }
  if (!std::exchange(flush_posted, true)) post([](State& self) { self.flush(); });
}

// One after the other, since a completion may send, and be refused again.
void Connection::State::answer_refused() {
  for (;;) {
    std::unique_lock held(mutex);
    if (refused.empty()) return;
    Refused first = std::move(refused.front());
    refused.pop_front();
    held.unlock();
    first.done(std::unexpected(std::move(first.failure)));
  }
}

void Connection::State::flush() {
  {
    const std::lock_guard held(mutex);
    flush_posted = false;
  }
  answer_refused();
  std::string bytes;
  {
    const std::lock_guard held(mutex);
    if (!line->open() || pending.empty()) return; // on_opened() or on_lost() follows
    bytes = std::exchange(outgoing, {});
    for (auto& each : pending) in_flight.push_back(std::move(each));
    pending.clear();
  }
  last_use = system_clock().mono();
  line->write(std::move(bytes));
}

void Connection::State::on_opened() {
  {
    const std::lock_guard held(mutex);
    down.reset();
  }
  is_open = true;
  last_use = system_clock().mono();
  if (watch.opened) watch.opened();
  flush();
}

void Connection::State::on_reply(Reply reply) {
  if (in_flight.empty()) return line->fail({.kind = Kind::protocol, .what = name + " sent a reply to no command"});
  Waiting first = std::move(in_flight.front());
  in_flight.pop_front();
  waiting.fetch_sub(1); // so that whoever hears of the reply finds it answered
  std::optional<Failure> failure;
  if (reply.kind == Reply::Kind::error)
    failure = Failure{.kind = kind_of_error(reply.text),
        .what = name + ": " + shown_error(reply.text),
        .redirect = read_redirect(reply.text, at)};
  if (failure)
    first.done(std::unexpected(*failure));
  else
    first.done(std::move(reply));
  // The server forgot its scripts (SCRIPT FLUSH). The next login loads them; later commands must not overtake this one.
  if (failure && failure->kind == Kind::no_script) line->fail(*std::move(failure));
}

void Connection::State::on_lost(const Failure& failure) {
  // What was not written yet waits for the attempt that follows an open connection, but not for more than one.
  const bool was_open = is_open.exchange(false);
  std::deque<Waiting> unsent;
  if (!was_open) {
    const std::lock_guard held(mutex);
    down = failure;
    unsent = std::exchange(pending, {});
    outgoing.clear();
  }
  Failure sent = failure;
  sent.maybe_done = true;
  fail_all(in_flight, sent);
  fail_all(unsent, failure);
  if (watch.lost) watch.lost(failure);
}

void Connection::State::on_tick() {
  const MonoTime now = system_clock().mono();
  if (!in_flight.empty() && in_flight.front().deadline <= now)
    return line->fail({.kind = Kind::timeout,
        .what = name + ": no reply within " + std::to_string(policy.command_timeout.count()) + " ms"});
  if (line->open() && in_flight.empty() && now - last_use >= policy.idle) send({"PING"}, [](auto) {}, false);
}

Connection::Connection(Server server, Policy policy, Entropy& entropy, ConnectionWatch watch)
    : state_(std::make_shared<State>(server, policy, std::move(watch), nullptr)) {
  state_->start(std::move(server), entropy);
}
Connection::Connection(Server server, Policy policy, Entropy& entropy, ConnectionWatch watch, exec::ControlPlane& plane)
    : state_(std::make_shared<State>(server, policy, std::move(watch), &plane)) {
  state_->start(std::move(server), entropy);
}
Connection::~Connection() { state_->finish(); }

void Connection::send(Command command, ReplyCompletion done) { state_->send(command, std::move(done), false); }
void Connection::send_asking(Command command, ReplyCompletion done) { state_->send(command, std::move(done), true); }
std::size_t Connection::waiting() const { return state_->waiting.load(); }
bool Connection::open() const { return state_->is_open.load(); }

} // namespace foyer::redis

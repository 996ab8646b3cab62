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

struct Connection::State {
  State(Server s, Policy p, Entropy& entropy, ConnectionWatch w)
      : name(s.shown()),
        policy(p),
        watch(std::move(w)),
        plane("redis") {
    line.emplace(
        plane, std::move(s), p, entropy, Line::Events{.opened = [this] { on_opened(); }, .reply = [this](Reply reply) {
      on_reply(std::move(reply));
    }, .lost = [this](const Failure& failure) { on_lost(failure); }});
    plane.post([this] { line->start(); });
    const Millis tick = std::max(Millis{10}, std::min(policy.command_timeout, policy.idle) / 8);
    plane.every(tick, [this] { on_tick(); });
  }
  // A completion may be running, and may send; after that, the rest is answered here.
  void finish() {
    plane.stop();
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

  void send(Command command, ReplyCompletion done);
  void flush();
  void answer_refused();
  void on_opened();
  void on_reply(Reply reply);
  void on_lost(const Failure& failure);
  void on_tick();
  void fail_all(std::deque<Waiting>& commands, const Failure& failure);

  const std::string name;
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
  exec::ControlPlane plane;
  std::optional<Line> line;
};

void Connection::State::fail_all(std::deque<Waiting>& commands, const Failure& failure) {
  for (auto& each : commands) {
    waiting.fetch_sub(1);
    each.done(std::unexpected(failure));
  }
  commands.clear();
}

void Connection::State::send(Command command, ReplyCompletion done) {
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
    append_command(outgoing, command);
    pending.push_back({std::move(done), system_clock().mono() + policy.command_timeout});
    waiting.fetch_add(1);
  }
  if (!std::exchange(flush_posted, true)) plane.post([this] { flush(); });
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
    failure = Failure{.kind = kind_of_error(reply.text), .what = name + ": " + shown_error(reply.text)};
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
  if (line->open() && in_flight.empty() && now - last_use >= policy.idle) send({"PING"}, [](auto) {});
}

Connection::Connection(Server server, Policy policy, Entropy& entropy, ConnectionWatch watch)
    : state_(std::make_unique<State>(std::move(server), policy, entropy, std::move(watch))) {}
Connection::~Connection() { state_->finish(); }

void Connection::send(Command command, ReplyCompletion done) { state_->send(std::move(command), std::move(done)); }
std::size_t Connection::waiting() const { return state_->waiting.load(); }
bool Connection::open() const { return state_->is_open.load(); }

} // namespace foyer::redis

#include "redis/subscriber.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "redis/line.h"

namespace foyer::redis {
namespace {

using Kind = Failure::Kind;
using Done = Completion<bool, Failure>;

struct Order {
  std::string channel;
  bool on = false;
  Done done = {};
};

struct Channel {
  std::size_t unconfirmed = 0;    // SUBSCRIBEs without a confirmation, on this connection
  bool wanted = false;            // the last order was to subscribe
  bool missed = false;            // somebody relies on it, and it has not been on all the time: messages were lost
  std::vector<Done> waiting = {}; // for the confirmation
};

} // namespace

struct Subscriber::State : std::enable_shared_from_this<State> {
  State(const Server& s, Policy p, Events v, std::optional<Sharded> n)
      : name(s.shown()),
        at{.host = s.url.host, .port = s.url.port},
        policy(p),
        events(std::move(v)),
        sharded(std::move(n)),
        plane(sharded ? sharded->plane : own.emplace("redis-hear")) {}
  void start(Server server, Entropy& entropy) {
    line.emplace(plane, std::move(server), policy, entropy,
        Line::Events{.opened = [this] { on_opened(); }, .reply = [this](Reply reply) {
      on_reply(std::move(reply));
    }, .lost = [this](const Failure& failure) { on_lost(failure); }});
    post([](State& self) { self.line->start(); });
    ticker = plane.every(std::max(Millis{10}, policy.idle), [weak = weak_from_this()] {
      if (const auto self = weak.lock(); self && self->line) self->on_tick();
    });
  }
  // An event may be running, and may call back; after the thread has stopped none does.
  void finish() {
    if (own) own->stop();
    plane.cancel(ticker);
    line.reset();
    take_orders();
    for (auto& [channel, state] : channels) refuse_all(state);
    channels.clear();
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

  void order(Order order);
  void take_orders();
  void flush();
  void refuse_all(Channel& channel);
  void miss(Channel& channel, const Failure& failure);
  void write(bool on, const std::vector<std::string>& names);
  void on_elsewhere(const Reply& error);
  void leave_behind(const std::string& channel, const std::optional<Redirect>& to);
  void on_opened();
  void on_reply(Reply reply);
  void on_confirmed(const std::string& channel);
  void on_lost(const Failure& failure);
  void on_tick();

  const std::string name;
  const Endpoint at;
  const Policy policy;
  const Events events;
  const std::optional<Sharded> sharded;
  std::atomic<bool> is_open{false};

  std::mutex mutex; // the next members
  std::deque<Order> orders;
  bool flush_posted = false;

  // The plane's thread only.
  std::unordered_map<std::string, Channel, TransparentStringHash, std::equal_to<>> channels;
  std::vector<std::string> to_write; // channels of the command that is being gathered
  bool to_write_on = false;
  std::uint64_t heard_before = 0; // bytes, at the last tick
  bool asked = false;             // nothing had come then, and PING was sent
  std::optional<Failure> down;    // what the last attempt failed with
  // Sharded: the SSUBSCRIBEs without an answer, in their order, and the SUNSUBSCRIBEs of each channel.
  std::deque<std::string> asked_for;
  std::unordered_map<std::string, std::size_t> leaving;
  std::optional<exec::ControlPlane> own;
  exec::ControlPlane& plane;
  TimerId ticker = 0;
  std::optional<Line> line; // nothing: it has ended
};

void Subscriber::State::order(Order order) {
  const std::lock_guard held(mutex);
  orders.push_back(std::move(order));
  if (!std::exchange(flush_posted, true)) post([](State& self) { self.flush(); });
}

// Enters new orders into the table, and gathers what has to be written for them: one command for as many channels in
// a row as the batch holds, in the order of the calls.
void Subscriber::State::take_orders() {
  std::deque<Order> taken;
  {
    const std::lock_guard held(mutex);
    flush_posted = false;
    taken = std::exchange(orders, {});
  }
  for (Order& each : taken) {
    Channel& channel = channels[each.channel];
    const bool changes = channel.wanted != each.on;
    channel.wanted = each.on;
    if (each.on && !changes && channel.unconfirmed == 0 && line && line->open()) {
      each.done(true); // it is confirmed already
      continue;
    }
    if (each.on)
      channel.waiting.push_back(std::move(each.done));
    else
      refuse_all(channel);
    if (!line || !line->open()) { // on_opened() subscribes to what is wanted then
      if (!channel.wanted)
        channels.erase(each.channel);
      else if (down)
        miss(channel, *down);
      continue;
    }
    if (!changes) { // an order to leave what was never ordered, or again
      if (!channel.wanted && channel.unconfirmed == 0) channels.erase(each.channel);
      continue;
    }
    if (to_write_on != each.on || to_write.size() == kSubscribeBatch) write(to_write_on, std::exchange(to_write, {}));
    to_write_on = each.on;
    if (each.on) ++channel.unconfirmed;
    if (!each.on && channel.unconfirmed == 0) channels.erase(each.channel);
    to_write.push_back(std::move(each.channel));
  }
}

void Subscriber::State::flush() {
  take_orders();
  write(to_write_on, std::exchange(to_write, {}));
}

void Subscriber::State::refuse_all(Channel& channel) {
  for (auto& done : std::exchange(channel.waiting, {}))
    done(std::unexpected(Failure{.kind = Kind::closed, .what = name + ": the subscription has ended"}));
}

// Nobody waits for a connection any more that could not be made.
void Subscriber::State::miss(Channel& channel, const Failure& failure) {
  if (channel.waiting.empty()) return;
  channel.missed = true;
  for (auto& done : std::exchange(channel.waiting, {})) done(std::unexpected(failure));
}

// One SSUBSCRIBE takes channels of one slot only, so each has one channel.
void Subscriber::State::write(bool on, const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::string bytes;
  if (sharded) {
    for (const auto& each : names) {
      append_command(bytes, Command{on ? "SSUBSCRIBE" : "SUNSUBSCRIBE", each});
      if (on)
        asked_for.push_back(each);
      else
        ++leaving[each];
    }
  } else {
    Command words{on ? "SUBSCRIBE" : "UNSUBSCRIBE"};
    words.insert(words.end(), names.begin(), names.end());
    append_command(bytes, words);
  }
  line->write(std::move(bytes));
}

void Subscriber::State::on_opened() {
  is_open = true;
  down.reset();
  asked = false;
  asked_for.clear();
  leaving.clear();
  std::vector<std::string> batch;
  for (auto& [channel, state] : channels) {
    state.unconfirmed = 1;
    batch.push_back(channel);
    if (batch.size() == kSubscribeBatch) write(true, std::exchange(batch, {}));
  }
  write(true, batch);
}

// "message" channel payload; "subscribe" and "unsubscribe" channel count, and the same with an s in front;
// "pong" text, or PONG without any channel.
void Subscriber::State::on_reply(Reply reply) {
  if (reply.kind == Reply::Kind::status) return;
  if (reply.kind == Reply::Kind::error) return on_elsewhere(reply);
  if (reply.kind != Reply::Kind::array || reply.items.size() < 2)
    return line->fail({.kind = Kind::protocol, .what = name + " sent what no subscriber expects"});
  const std::string what = std::move(reply.items[0].text), channel = std::move(reply.items[1].text);
  if ((what == "message" || what == "smessage") && reply.items.size() == 3) {
    const auto found = channels.find(channel);
    if (found != channels.end() && found->second.wanted) events.message(channel, std::move(reply.items[2].text));
  } else if (what == "subscribe" || what == "ssubscribe") {
    if (sharded && !asked_for.empty()) asked_for.pop_front();
    on_confirmed(channel);
  } else if (what == "sunsubscribe") {
    const auto ours = leaving.find(channel);
    if (ours == leaving.end()) return leave_behind(channel, std::nullopt);
    if (--ours->second == 0) leaving.erase(ours);
  }
}

// A node answers SSUBSCRIBE with MOVED if another one has the slot. Every other error ends the connection.
void Subscriber::State::on_elsewhere(const Reply& error) {
  const auto redirect = read_redirect(error.text, at);
  if (!sharded || !redirect || asked_for.empty())
    return line->fail(
        {.kind = kind_of_error(error.text), .what = name + " refused a subscription: " + shown_error(error.text)});
  const std::string channel = std::move(asked_for.front());
  asked_for.pop_front();
  const auto found = channels.find(channel);
  if (found == channels.end() || found->second.unconfirmed == 0 || --found->second.unconfirmed > 0) return;
  leave_behind(channel, redirect);
}

void Subscriber::State::leave_behind(const std::string& channel, const std::optional<Redirect>& to) {
  const auto found = channels.find(channel);
  if (!sharded || found == channels.end()) return;
  Channel gone = std::move(found->second);
  channels.erase(found);
  for (auto& done : gone.waiting)
    done(std::unexpected(Failure{.kind = Kind::moved, .what = name + " does not have the channel"}));
  if (gone.wanted) sharded->moved(channel, to);
}

void Subscriber::State::on_confirmed(const std::string& name_of) {
  const auto found = channels.find(name_of);
  if (found == channels.end()) return;
  Channel& channel = found->second;
  if (channel.unconfirmed == 0 || --channel.unconfirmed > 0) return;
  if (!channel.wanted) {
    channels.erase(found);
    return;
  }
  const bool again = std::exchange(channel.missed, false);
  auto waiting = std::exchange(channel.waiting, {});
  for (auto& done : waiting) done(true);
  if (again && events.again) events.again(name_of);
}

void Subscriber::State::on_lost(const Failure& failure) {
  const bool was_open = is_open.exchange(false);
  if (!was_open) down = failure;
  for (auto it = channels.begin(); it != channels.end();) {
    Channel& channel = it->second;
    if (was_open && channel.unconfirmed == 0) channel.missed = true;
    channel.unconfirmed = 1; // by the next connection
    if (!was_open) miss(channel, failure);
    it = channel.wanted ? std::next(it) : channels.erase(it);
  }
  if (events.lost) events.lost(failure);
}

void Subscriber::State::on_tick() {
  if (!line->open()) return;
  const std::uint64_t now = line->received();
  if (now != std::exchange(heard_before, now)) {
    asked = false;
    return;
  }
  if (std::exchange(asked, true))
    return line->fail({.kind = Kind::timeout,
        .what = name + ": heard nothing within " + std::to_string(policy.idle.count()) + " ms, not even an answer"});
  std::string ping;
  append_command(ping, Command{"PING"});
  line->write(std::move(ping));
}

Subscriber::Subscriber(Server server, Policy policy, Entropy& entropy, Events events)
    : state_(std::make_shared<State>(server, policy, std::move(events), std::nullopt)) {
  state_->start(std::move(server), entropy);
}
Subscriber::Subscriber(Server server, Policy policy, Entropy& entropy, Events events, Sharded sharded)
    : state_(std::make_shared<State>(server, policy, std::move(events), std::move(sharded))) {
  state_->start(std::move(server), entropy);
}
Subscriber::~Subscriber() { state_->finish(); }
void Subscriber::stop() { state_->finish(); }

void Subscriber::subscribe(std::string channel, Completion<bool, Failure> done) {
  state_->order({std::move(channel), true, std::move(done)});
}
void Subscriber::unsubscribe(std::string channel) { state_->order({std::move(channel), false}); }
bool Subscriber::open() const { return state_->is_open.load(); }

} // namespace foyer::redis

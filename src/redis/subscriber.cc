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

struct Subscriber::State {
  State(Server s, Policy p, Entropy& entropy, Events v)
      : name(s.shown()),
        policy(p),
        events(std::move(v)),
        plane("redis-hear") {
    line.emplace(
        plane, std::move(s), p, entropy, Line::Events{.opened = [this] { on_opened(); }, .reply = [this](Reply reply) {
      on_reply(std::move(reply));
    }, .lost = [this](const Failure& failure) { on_lost(failure); }});
    plane.post([this] { line->start(); });
    plane.every(std::max(Millis{10}, policy.idle), [this] { on_tick(); });
  }
  // An event may be running, and may call back; after the thread has stopped none does.
  void finish() {
    plane.stop();
    line.reset();
    take_orders();
    for (auto& [channel, state] : channels) refuse_all(state);
  }

  void order(Order order);
  void take_orders();
  void flush();
  void refuse_all(Channel& channel);
  void miss(Channel& channel, const Failure& failure);
  void write(std::string_view command, const std::vector<std::string>& names);
  void on_opened();
  void on_reply(Reply reply);
  void on_confirmed(const std::string& channel);
  void on_lost(const Failure& failure);
  void on_tick();

  const std::string name;
  const Policy policy;
  const Events events;
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
  exec::ControlPlane plane;
  std::optional<Line> line;
};

void Subscriber::State::order(Order order) {
  const std::lock_guard held(mutex);
  orders.push_back(std::move(order));
  if (!std::exchange(flush_posted, true)) plane.post([this] { flush(); });
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
    if (to_write_on != each.on || to_write.size() == kSubscribeBatch)
      write(to_write_on ? "SUBSCRIBE" : "UNSUBSCRIBE", std::exchange(to_write, {}));
    to_write_on = each.on;
    if (each.on) ++channel.unconfirmed;
    if (!each.on && channel.unconfirmed == 0) channels.erase(each.channel);
    to_write.push_back(std::move(each.channel));
  }
}

void Subscriber::State::flush() {
  take_orders();
  write(to_write_on ? "SUBSCRIBE" : "UNSUBSCRIBE", std::exchange(to_write, {}));
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

void Subscriber::State::write(std::string_view command, const std::vector<std::string>& names) {
  if (names.empty()) return;
  Command words{std::string(command)};
  words.insert(words.end(), names.begin(), names.end());
  std::string bytes;
  append_command(bytes, words);
  line->write(std::move(bytes));
}

void Subscriber::State::on_opened() {
  is_open = true;
  down.reset();
  asked = false;
  std::vector<std::string> batch;
  for (auto& [channel, state] : channels) {
    state.unconfirmed = 1;
    batch.push_back(channel);
    if (batch.size() == kSubscribeBatch) write("SUBSCRIBE", std::exchange(batch, {}));
  }
  write("SUBSCRIBE", batch);
}

// "message" channel payload; "subscribe" and "unsubscribe" channel count; "pong" text, or PONG without any channel.
void Subscriber::State::on_reply(Reply reply) {
  if (reply.kind == Reply::Kind::status) return;
  if (reply.kind == Reply::Kind::error)
    return line->fail(
        {.kind = kind_of_error(reply.text), .what = name + " refused a subscription: " + shown_error(reply.text)});
  if (reply.kind != Reply::Kind::array || reply.items.size() < 2)
    return line->fail({.kind = Kind::protocol, .what = name + " sent what no subscriber expects"});
  const std::string& what = reply.items[0].text;
  if (what == "message" && reply.items.size() == 3) {
    const auto found = channels.find(reply.items[1].text);
    if (found != channels.end() && found->second.wanted)
      events.message(reply.items[1].text, std::move(reply.items[2].text));
  } else if (what == "subscribe") {
    on_confirmed(reply.items[1].text);
  }
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
    : state_(std::make_unique<State>(std::move(server), policy, entropy, std::move(events))) {}
Subscriber::~Subscriber() { state_->finish(); }
void Subscriber::stop() { state_->finish(); }

void Subscriber::subscribe(std::string channel, Completion<bool, Failure> done) {
  state_->order({std::move(channel), true, std::move(done)});
}
void Subscriber::unsubscribe(std::string channel) { state_->order({std::move(channel), false}); }
bool Subscriber::open() const { return state_->is_open.load(); }

} // namespace foyer::redis

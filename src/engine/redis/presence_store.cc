#include "engine/redis/presence_store.h"

#include <charconv>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "engine/redis/all_answered.h"
#include "engine/redis/eval.h"
#include "engine/redis/presence_scripts.h"
#include "engine/redis/refusal.h"

namespace foyer::engine {
namespace {

using redis::Command;
using redis::Failure;
using redis::Reply;
using Answer = std::expected<Reply, Failure>;

std::string number(Millis life) { return std::to_string(life.count()); }

std::uint64_t number_of(std::string_view digits) {
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

Result<PresenceChange> change_of(const Answer& answer) {
  if (!answer) return std::unexpected(refusal_of(answer.error()));
  if (!is_list(*answer, 2)) return not_ours();
  return PresenceChange{.changed = answer->items[0].integer == 1,
      .count = static_cast<std::size_t>(answer->items[1].integer),
      .name = answer->items.size() > 2 ? answer->items[2].text : std::string{},
      .order = answer->items.size() > 3 ? number_of(answer->items[3].text) : 0};
}

} // namespace

struct RedisPresenceStore::State : std::enable_shared_from_this<State> {
  struct Room {
    std::unordered_map<UserId, std::string> users = {}; // of this node: id → name
    std::unordered_set<UserId> untold = {};             // of these: nobody was told that they came
    MonoTime written{};                                 // in full, or begun
  };
  using Gone = std::unordered_map<UserId, std::string>; // id → name

  State(RedisPresenceOptions o, redis::Commands& c, const Clock& k, Entropy& e)
      : options(std::move(o)),
        commands(c),
        clock(k),
        entropy(e),
        self(options.node.str()) {}

  [[nodiscard]] Millis scaled(Millis time) const { return time * options.tick.count() / 1'000; }

  // Later, unless the store is gone by then.
  void send(Command command, std::function<void(const Answer&)> done) {
    commands.send(std::move(command), [weak = weak_from_this(), done = std::move(done)](const Answer& answer) {
      if (const auto alive = weak.lock()) done(answer);
    });
  }
  // For a caller, who gets an answer in any case.
  void ask(Command command, std::function<void(State&)> failed, Completion<PresenceChange> done) {
    commands.send(std::move(command),
        [weak = weak_from_this(), failed = std::move(failed), done = std::move(done)](const Answer& answer) mutable {
      if (const auto alive = weak.lock(); alive && !answer) failed(*alive);
      done(change_of(answer));
    });
  }
  // The lock is held.
  std::vector<std::string> with_dead(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), dead.begin(), dead.end());
    return arguments;
  }
  void list_room(const RoomName& room);
  void write_in_full(const RoomName& room, bool recount, const AllAnsweredPtr& ending);
  void not_written(const RoomName& room, const std::unordered_set<UserId>& came, const Gone& gone);
  void touch_failed(const RoomName& room, const UserId& user);
  void leave_failed(const RoomName& room, const UserId& user, const std::string& name);

  void doubt_all();
  void round(AllAnsweredPtr ending);
  void renewed(const Reply& reply, const AllAnsweredPtr& ending);
  void reap(const std::string& node, const AllAnsweredPtr& ending);
  void forget_node(const std::string& node, const AllAnsweredPtr& ending);
  void reap_rooms(const std::string& node, const Reply& found, const AllAnsweredPtr& ending);
  void report(PresenceReport report, const std::unordered_set<UserId>& untold_here, const Reply& reply);

  const RedisPresenceOptions options;
  redis::Commands& commands;
  const Clock& clock;
  Entropy& entropy;

  std::mutex mutex;     // what follows
  std::string self;     // the name of this node's entries
  bool new_name = true; // no lease under it yet
  bool unasked = false; // the last round got no answer
  std::uint64_t names = 0;
  std::unordered_map<RoomName, Room> rooms;
  std::unordered_set<RoomName> unsure;                // a command about them failed
  std::unordered_map<RoomName, MonoTime> left_lately; // by the last user here
  std::unordered_map<RoomName, Gone> untold;          // users who left, of which nobody was told
  std::vector<std::string> dead;                      // nodes whose lease has ended, as of the last round
  std::string era;                                    // of the server's memory
  std::string history;                                // which it goes on with
};

void RedisPresenceStore::State::list_room(const RoomName& room) {
  const std::string list = options.names.rooms_of(self);
  send({"SADD", list, room.str()}, [](const Answer&) {});
  send({"PEXPIRE", list, number(scaled(kPresenceNodeLife))}, [](const Answer&) {});
}

void RedisPresenceStore::State::write_in_full(const RoomName& room, bool recount, const AllAnsweredPtr& ending) {
  std::vector<std::string> arguments{self, number(scaled(kPresenceRoomLife)), "0"};
  const auto add = [&arguments](const UserId& user, const std::string& name) {
    arguments.push_back(user.str());
    arguments.push_back(name);
  };
  std::unordered_set<UserId> came;
  if (const auto found = rooms.find(room); found != rooms.end()) {
    found->second.written = clock.mono();
    came = std::exchange(found->second.untold, {});
    arguments[2] = std::to_string(found->second.users.size());
    for (const auto& [user, name] : found->second.users) add(user, name);
    list_room(room);
  }
  Gone gone;
  if (const auto found = untold.find(room); found != untold.end()) {
    gone = std::move(found->second);
    untold.erase(found);
  }
  for (const auto& [user, name] : gone) add(user, name);
  Command command = eval(scripts::kWrite, {options.names.who(room)}, std::move(arguments));
  send(std::move(command),
      [this, room, recount, came = std::move(came), gone = std::move(gone), ending](const Answer& answer) {
    if (!answer) return not_written(room, came, gone);
    PresenceReport told{.room = room, .recount = recount};
    report(std::move(told), came, *answer);
  });
}

// It is written with the next round.
void RedisPresenceStore::State::not_written(
    const RoomName& room, const std::unordered_set<UserId>& came, const Gone& gone) {
  const std::lock_guard held(mutex);
  unsure.insert(room);
  const auto found = rooms.find(room);
  for (const UserId& user : came)
    if (found != rooms.end() && found->second.users.contains(user)) found->second.untold.insert(user);
  for (const auto& [user, name] : gone)
    if (found == rooms.end() || !found->second.users.contains(user)) untold[room].emplace(user, name);
}

// --- rounds ---

void RedisPresenceStore::State::round(AllAnsweredPtr ending) {
  const std::lock_guard held(mutex);
  send(eval(scripts::kRenew, {options.names.nodes(), options.names.era()},
           {self, number(scaled(kPresenceLease)), number(scaled(kPresenceNodeLife)), new_name ? "1" : "0",
               entropy.short_id(), unasked ? "1" : "0", history}),
      [this, ending = std::move(ending)](const Answer& answer) {
    {
      const std::lock_guard lock(mutex);
      unasked = !answer;
    }
    if (answer && is_list(*answer, 3)) renewed(*answer, ending);
  });
}

// The server may have lost what it answered. The lock is held.
void RedisPresenceStore::State::doubt_all() {
  for (const auto& [room, content] : rooms) unsure.insert(room);
  for (const auto& [room, when] : left_lately) unsure.insert(room);
}

void RedisPresenceStore::State::renewed(const Reply& reply, const AllAnsweredPtr& ending) {
  std::vector<std::string> to_reap;
  {
    std::unique_lock held(mutex);
    const bool forgot = !era.empty() && era != reply.items[1].text;
    const std::string before = std::exchange(history, reply.items[2].text);
    if (!before.empty() && before != history) doubt_all();
    if (reply.items[0].integer == 0) {
      if (!std::exchange(new_name, true)) self = options.node.str() + "." + std::to_string(++names);
      if (!forgot) { // others have told, or will tell, that its users have left
        for (auto& [room, content] : rooms)
          for (const auto& [user, name] : content.users) content.untold.insert(user);
      }
      held.unlock();
      return round(ending);
    }
    era = reply.items[1].text;
    dead.clear();
    for (std::size_t i = 3; i < reply.items.size(); ++i) dead.push_back(reply.items[i].text);
    to_reap = dead;
    const MonoTime now = clock.mono();
    std::erase_if(left_lately, [&](const auto& left) { return now - left.second > scaled(kPresenceLately); });
    const bool all = std::exchange(new_name, false) || forgot;
    auto again = std::exchange(unsure, {});
    for (const auto& [room, content] : rooms)
      if (all || now - content.written >= scaled(kPresenceRewrite)) again.insert(room);
    for (const auto& room : again) write_in_full(room, forgot, ending);
    send({"PEXPIRE", options.names.rooms_of(self), number(scaled(kPresenceNodeLife))}, [](const Answer&) {});
  }
  for (const auto& node : to_reap) reap(node, ending);
}

// One node wins, and has the time of a lease for it. If it fails, another one begins again.
void RedisPresenceStore::State::reap(const std::string& node, const AllAnsweredPtr& ending) {
  send({"SET", options.names.reap(node), options.node.str(), "NX", "PX", number(scaled(kPresenceLease))},
      [this, node, ending](const Answer& won) {
    if (!won || won->text != "OK") return;
    send({"SMEMBERS", options.names.rooms_of(node)}, [this, node, ending](const Answer& found) {
      if (found) reap_rooms(node, *found, ending);
    });
  });
}

void RedisPresenceStore::State::reap_rooms(const std::string& node, const Reply& found, const AllAnsweredPtr& ending) {
  const std::lock_guard held(mutex);
  const auto whole = std::make_shared<bool>(true);
  const auto all = std::make_shared<AllAnswered>([weak = weak_from_this(), node, whole, ending] {
    if (const auto alive = weak.lock(); alive && *whole) alive->forget_node(node, ending);
    // Otherwise the node is still registered, so a later round begins again.
  });
  for (const auto& item : found.items) {
    const RoomName room(item.text);
    send(eval(scripts::kReap, {options.names.who(room)}, with_dead({node})),
        [this, room, whole, all](const Answer& answer) {
      if (!answer) *whole = false;
      if (answer) report({.room = room}, {}, *answer);
    });
  }
}

void RedisPresenceStore::State::forget_node(const std::string& node, const AllAnsweredPtr& ending) {
  for (const Command& command : {Command{"DEL", options.names.rooms_of(node)},
           Command{"ZREM", options.names.nodes(), node}, Command{"DEL", options.names.reap(node)}})
    send(command, [ending](const Answer&) {});
}

// {users, order, how many are here alone, user, name, …}: of those, the ones that nobody was told of have come.
void RedisPresenceStore::State::report(
    PresenceReport report, const std::unordered_set<UserId>& untold_here, const Reply& reply) {
  if (!options.report || !is_list(reply, 3)) return;
  report.count = static_cast<std::size_t>(reply.items[0].integer);
  report.order = number_of(reply.items[1].text);
  const auto alone = static_cast<std::size_t>(reply.items[2].integer);
  for (std::size_t i = 3, n = 0; i + 1 < reply.items.size(); i += 2, ++n) {
    rooms::Member member{UserId(reply.items[i].text), reply.items[i + 1].text};
    if (n >= alone)
      report.left.push_back(std::move(member));
    else if (untold_here.contains(member.id))
      report.came.push_back(std::move(member));
  }
  if (report.recount || !report.came.empty() || !report.left.empty()) options.report(report);
}

// --- the interface ---

RedisPresenceStore::RedisPresenceStore(
    RedisPresenceOptions options, redis::Commands& commands, Executor& executor, const Clock& clock, Entropy& entropy)
    : state_(std::make_shared<State>(std::move(options), commands, clock, entropy)),
      ticker_(executor, state_->scaled(kPresenceRound), [state = state_.get()] { state->round(nullptr); }) {
  state_->round(nullptr);
}
RedisPresenceStore::~RedisPresenceStore() = default;

void RedisPresenceStore::round(std::function<void()> done) {
  state_->round(std::make_shared<AllAnswered>(std::move(done)));
}

void RedisPresenceStore::State::touch_failed(const RoomName& room, const UserId& user) {
  const std::lock_guard held(mutex);
  unsure.insert(room);
  if (const auto found = rooms.find(room); found != rooms.end() && found->second.users.contains(user))
    found->second.untold.insert(user);
}

void RedisPresenceStore::touch(RoomName room, rooms::Member member, Completion<PresenceChange> done) {
  State& s = *state_;
  const std::lock_guard held(s.mutex);
  const auto [entry, first] = s.rooms.try_emplace(room);
  if (first) {
    entry->second.written = s.clock.mono();
    s.list_room(room);
  }
  entry->second.users.try_emplace(member.id, member.name);
  if (const auto gone = s.untold.find(room); gone != s.untold.end()) gone->second.erase(member.id);
  Command command = eval(scripts::kTouch, {s.options.names.who(room)},
      s.with_dead({s.self, number(s.scaled(kPresenceRoomLife)), member.id.str(), member.name}));
  s.ask(
      std::move(command), [room, user = member.id](State& state) { state.touch_failed(room, user); }, std::move(done));
}

void RedisPresenceStore::State::leave_failed(const RoomName& room, const UserId& user, const std::string& name) {
  const std::lock_guard held(mutex);
  unsure.insert(room);
  const auto found = rooms.find(room);
  if (found == rooms.end() || !found->second.users.contains(user)) untold[room].emplace(user, name);
}

void RedisPresenceStore::leave(RoomName room, UserId user, Completion<PresenceChange> done) {
  State& s = *state_;
  const std::lock_guard held(s.mutex);
  std::string name;
  bool last = false, told = true;
  if (const auto found = s.rooms.find(room); found != s.rooms.end()) {
    State::Room& here = found->second;
    if (const auto entry = here.users.find(user); entry != here.users.end()) {
      name = std::move(entry->second);
      here.users.erase(entry);
      last = here.users.empty();
    }
    told = here.untold.erase(user) == 0;
    if (last) {
      s.rooms.erase(found);
      s.left_lately[room] = s.clock.mono();
    }
  }
  Command command = eval(scripts::kLeave, {s.options.names.who(room)}, s.with_dead({s.self, user.str()}));
  s.ask(std::move(command), [room, user, name, told](State& state) {
    if (told) state.leave_failed(room, user, name); // otherwise nobody knows that the user was there
  }, std::move(done));
  if (last) s.send({"SREM", s.options.names.rooms_of(s.self), room.str()}, [](const Answer&) {});
}

void RedisPresenceStore::members(RoomName room, std::size_t most, Completion<PresentMembers> done) {
  const auto read = +[](const Answer& answer) -> Result<PresentMembers> {
    if (!answer) return std::unexpected(refusal_of(answer.error()));
    if (!is_list(*answer, 1)) return not_ours();
    PresentMembers present;
    present.count = static_cast<std::size_t>(answer->items[0].integer);
    for (std::size_t i = 1; i + 1 < answer->items.size(); i += 2)
      present.members.push_back({UserId(answer->items[i].text), answer->items[i + 1].text});
    return present;
  };
  State& s = *state_;
  const std::lock_guard held(s.mutex);
  Command command = eval(scripts::kMembers, {s.options.names.who(room)}, s.with_dead({std::to_string(most)}));
  s.commands.send(
      std::move(command), [read, done = std::move(done)](const Answer& answer) mutable { done(read(answer)); });
}

} // namespace foyer::engine

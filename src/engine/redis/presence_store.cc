#include "engine/redis/presence_store.h"

#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

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

Result<PresenceChange> change_of(const Answer& answer) {
  if (!answer) return std::unexpected(refusal_of(answer.error()));
  if (!is_list(*answer, 2)) return not_ours();
  return PresenceChange{.changed = answer->items[0].integer == 1,
      .count = static_cast<std::size_t>(answer->items[1].integer),
      .name = answer->items.size() > 2 ? answer->items[2].text : std::string{}};
}

// Runs what it was given when its last owner is gone: the end of several commands.
class Ending {
 public:
  explicit Ending(std::function<void()> done) : done_(std::move(done)) {}
  ~Ending() {
    if (done_) done_();
  }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

 private:
  std::function<void()> done_;
};
using EndingPtr = std::shared_ptr<Ending>;

} // namespace

struct RedisPresenceStore::State : std::enable_shared_from_this<State> {
  struct Room {
    std::unordered_map<UserId, std::string> users = {}; // of this node: id → name
    MonoTime written{};                                 // in full, or begun
  };

  State(RedisPresenceOptions o, redis::Connection& c, const Clock& k)
      : options(std::move(o)),
        commands(c),
        clock(k),
        self(options.node.str()) {}

  // Later, unless the store is gone by then.
  void send(Command command, std::function<void(const Answer&)> done) {
    commands.send(std::move(command), [weak = weak_from_this(), done = std::move(done)](const Answer& answer) {
      if (const auto alive = weak.lock()) done(answer);
    });
  }
  // For a caller, who gets an answer in any case.
  template <class T>
  void ask(RoomName room, Command command, Result<T> (*read)(const Answer&), Completion<T> done) {
    commands.send(std::move(command),
        [weak = weak_from_this(), room = std::move(room), read, done = std::move(done)](const Answer& answer) mutable {
      if (const auto alive = weak.lock(); alive && !answer) alive->doubt(room);
      done(read(answer));
    });
  }
  void doubt(const RoomName& room) {
    const std::lock_guard held(mutex);
    unsure.insert(room);
  }
  // The lock is held.
  std::vector<std::string> with_dead(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), dead.begin(), dead.end());
    return arguments;
  }
  void list_room(const RoomName& room);
  void write_in_full(const RoomName& room, const EndingPtr& ending);

  void round(EndingPtr ending);
  void renewed(const Reply& reply, const EndingPtr& ending);
  void reap(const std::string& node, const EndingPtr& ending);
  void reap_rooms(const std::string& node, const Reply& found, const EndingPtr& ending);
  static void report(const RedisPresenceOptions::Report& to, const RoomName& room, const Reply& reply, bool came);

  const RedisPresenceOptions options;
  redis::Connection& commands;
  const Clock& clock;

  std::mutex mutex;     // what follows
  std::string self;     // the name of this node's entries
  bool new_name = true; // no lease under it yet
  std::uint64_t names = 0;
  std::unordered_map<RoomName, Room> rooms;
  std::unordered_set<RoomName> unsure; // a command about them failed
  std::vector<std::string> dead;       // nodes whose lease has ended, as of the last round
};

void RedisPresenceStore::State::list_room(const RoomName& room) {
  const std::string list = options.names.rooms_of(self);
  send({"SADD", list, room.str()}, [](const Answer&) {});
  send({"PEXPIRE", list, number(kPresenceNodeLife)}, [](const Answer&) {});
}

void RedisPresenceStore::State::write_in_full(const RoomName& room, const EndingPtr& ending) {
  std::vector<std::string> arguments{self, number(kPresenceRoomLife)};
  if (const auto found = rooms.find(room); found != rooms.end()) {
    found->second.written = clock.mono();
    for (const auto& [user, name] : found->second.users) {
      arguments.push_back(user.str());
      arguments.push_back(name);
    }
    list_room(room);
  }
  send(eval(scripts::kWrite, {options.names.who(room)}, std::move(arguments)),
      [this, room, ending](const Answer& answer) {
    if (!answer) return doubt(room);
    report(options.came, room, *answer, true);
  });
}

// --- rounds ---

void RedisPresenceStore::State::round(EndingPtr ending) {
  const std::lock_guard held(mutex);
  send(eval(scripts::kRenew, {options.names.nodes()},
           {self, number(kPresenceLease), number(kPresenceNodeLife), new_name ? "1" : "0"}),
      [this, ending = std::move(ending)](const Answer& answer) {
    if (answer && is_list(*answer, 1)) renewed(*answer, ending);
  });
}

void RedisPresenceStore::State::renewed(const Reply& reply, const EndingPtr& ending) {
  std::vector<std::string> to_reap;
  {
    std::unique_lock held(mutex);
    if (reply.items[0].integer == 0) {
      if (!std::exchange(new_name, true)) self = options.node.str() + "." + std::to_string(++names);
      held.unlock();
      return round(ending);
    }
    dead.clear();
    for (std::size_t i = 1; i < reply.items.size(); ++i) dead.push_back(reply.items[i].text);
    to_reap = dead;
    const MonoTime now = clock.mono();
    const bool all = std::exchange(new_name, false);
    auto again = std::exchange(unsure, {});
    for (const auto& [room, content] : rooms)
      if (all || now - content.written >= kPresenceRewrite) again.insert(room);
    for (const auto& room : again) write_in_full(room, ending);
    send({"PEXPIRE", options.names.rooms_of(self), number(kPresenceNodeLife)}, [](const Answer&) {});
  }
  for (const auto& node : to_reap) reap(node, ending);
}

// One node wins, and has the time of a lease for it. If it fails, another one begins again.
void RedisPresenceStore::State::reap(const std::string& node, const EndingPtr& ending) {
  send({"SET", options.names.reap(node), options.node.str(), "NX", "PX", number(kPresenceLease)},
      [this, node, ending](const Answer& won) {
    if (!won || won->text != "OK") return;
    send({"SMEMBERS", options.names.rooms_of(node)}, [this, node, ending](const Answer& found) {
      if (found) reap_rooms(node, *found, ending);
    });
  });
}

void RedisPresenceStore::State::reap_rooms(const std::string& node, const Reply& found, const EndingPtr& ending) {
  const std::lock_guard held(mutex);
  const auto whole = std::make_shared<bool>(true);
  for (const auto& item : found.items) {
    const RoomName room(item.text);
    send(eval(scripts::kReap, {options.names.who(room)}, with_dead({node})), [this, room, whole](const Answer& answer) {
      if (!answer) *whole = false;
      if (answer) report(options.left, room, *answer, false);
    });
  }
  // Answers come in the order of the commands, so this one knows of all.
  send({"PING"}, [this, node, whole, ending](const Answer& answer) {
    if (!answer || !*whole) return; // the node is still registered, so a later round begins again
    for (const Command& command : {Command{"DEL", options.names.rooms_of(node)},
             Command{"ZREM", options.names.nodes(), node}, Command{"DEL", options.names.reap(node)}})
      send(command, [ending](const Answer&) {});
  });
}

// {users, user, name, …}, where the users were counted after the last one.
void RedisPresenceStore::State::report(
    const RedisPresenceOptions::Report& to, const RoomName& room, const Reply& reply, bool came) {
  if (!to || !is_list(reply, 1)) return;
  const std::size_t changes = (reply.items.size() - 1) / 2;
  const auto after = static_cast<std::size_t>(reply.items[0].integer);
  for (std::size_t i = 0; i < changes; ++i) {
    const std::size_t later = changes - i - 1;
    to(room, {UserId(reply.items[1 + 2 * i].text), reply.items[2 + 2 * i].text}, came ? after - later : after + later);
  }
}

// --- the interface ---

RedisPresenceStore::RedisPresenceStore(
    RedisPresenceOptions options, redis::Connection& commands, Executor& executor, const Clock& clock)
    : state_(std::make_shared<State>(std::move(options), commands, clock)),
      executor_(executor) {
  const auto go = [weak = std::weak_ptr<State>(state_)] {
    if (const auto alive = weak.lock()) alive->round(nullptr);
  };
  executor.post(go);
  timer_ = executor.every(kPresenceRound, go);
}
RedisPresenceStore::~RedisPresenceStore() { executor_.cancel(timer_); }

void RedisPresenceStore::round(std::function<void()> done) { state_->round(std::make_shared<Ending>(std::move(done))); }

void RedisPresenceStore::touch(RoomName room, rooms::Member member, Completion<PresenceChange> done) {
  State& s = *state_;
  const std::lock_guard held(s.mutex);
  const auto [entry, first] = s.rooms.try_emplace(room);
  if (first) {
    entry->second.written = s.clock.mono();
    s.list_room(room);
  }
  entry->second.users.try_emplace(member.id, member.name);
  Command command = eval(scripts::kTouch, {s.options.names.who(room)},
      s.with_dead({s.self, number(kPresenceRoomLife), member.id.str(), member.name}));
  s.ask<PresenceChange>(std::move(room), std::move(command), change_of, std::move(done));
}

void RedisPresenceStore::leave(RoomName room, UserId user, Completion<PresenceChange> done) {
  State& s = *state_;
  const std::lock_guard held(s.mutex);
  const auto found = s.rooms.find(room);
  const bool last = found != s.rooms.end() && found->second.users.erase(user) > 0 && found->second.users.empty();
  if (last) s.rooms.erase(found);
  Command command = eval(scripts::kLeave, {s.options.names.who(room)}, s.with_dead({s.self, user.str()}));
  s.ask<PresenceChange>(room, std::move(command), change_of, std::move(done));
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

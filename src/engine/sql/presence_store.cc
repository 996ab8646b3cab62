#include "engine/sql/presence_store.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/sql/presence_rows.h"

namespace foyer::engine {
namespace {

// What a caller asked for.
struct Request {
  enum class Kind : std::uint8_t { touch, leave, members } kind;
  PresentUser who;
  std::size_t most = 0;
  Completion<PresenceChange> changed = {};
  Completion<PresentMembers> listed = {};
  PresenceChange change = {}; // the answers
  PresentMembers present = {};
};

// Requests from `begin` on that fit into one statement: of one kind, and no user of a room twice.
std::size_t end_of_run(const std::vector<Request>& requests, std::size_t begin) {
  if (requests[begin].kind == Request::Kind::members) return begin + 1;
  std::set<std::pair<std::string_view, std::string_view>> seen;
  std::size_t end = begin;
  while (end < requests.size() && end - begin < kPresenceStatement && requests[end].kind == requests[begin].kind &&
      seen.emplace(requests[end].who.room.view(), requests[end].who.user.view()).second)
    ++end;
  return end;
}

} // namespace

struct SqlPresenceStore::State : std::enable_shared_from_this<State> {
  using Users = std::unordered_map<UserId, std::string>; // of this node, in a room: id → name

  State(SqlPresenceOptions o, store::Writer& w) : options(std::move(o)), writer(w), self(options.node.str()) {}

  void ask(Request request);
  void forget(const PresentUser& who);   // the lock is held
  using Requests = std::vector<Request>; // of one transaction
  [[nodiscard]] Result<bool> answer(store::Database& db, Requests& requests);
  [[nodiscard]] Result<void> answer_run(store::Database& db, std::span<Request> run);
  void answered(Requests requests, const Result<bool>& done);

  // What one transaction of a round has done; true in `more`: there is more to do.
  struct Part {
    std::vector<RoomName> written = {};
    std::vector<PresentUserChange> came = {}, left = {};
    bool more = false;
  };
  void round(std::function<void()> done);
  [[nodiscard]] Result<Part> step(store::Database& db);
  [[nodiscard]] Result<void> write_room(store::Database& db, const std::string& name, const RoomName& room,
      const std::vector<PresentUser>& users, Part& part);
  [[nodiscard]] Result<void> reap(store::Database& db, const std::string& name, Part& part);
  void stepped(const Part& part);
  static void report(const SqlPresenceOptions::Report& to, const std::vector<PresentUserChange>& changes);
  [[nodiscard]] std::vector<PresentUser> users_of(const RoomName& room); // the lock is held

  const SqlPresenceOptions options;
  store::Writer& writer;

  std::mutex mutex;     // what follows
  std::string self;     // the name of this node's entries
  bool new_name = true; // no lease under it yet
  std::uint64_t names = 0;
  std::unordered_map<RoomName, Users> rooms;
  std::set<RoomName> unsure; // a transaction about them failed, or their entries have another name
  Requests waiting;          // for the next transaction
  bool asked = false;        // a job will take what waits
};

// --- requests: those that come while a transaction is under way share the next one ---

void SqlPresenceStore::State::ask(Request request) {
  {
    const std::lock_guard held(mutex);
    if (request.kind == Request::Kind::touch)
      request.who.name = rooms[request.who.room].try_emplace(request.who.user, request.who.name).first->second;
    if (request.kind == Request::Kind::leave) forget(request.who);
    waiting.push_back(std::move(request));
    if (std::exchange(asked, true)) return;
  }
  const auto requests = std::make_shared<Requests>();
  writer.submit<bool>([self = shared_from_this(), requests](store::Database& db) {
    return self->answer(db, *requests);
  }, [self = shared_from_this(), requests](const Result<bool>& done) { self->answered(std::move(*requests), done); });
}

void SqlPresenceStore::State::forget(const PresentUser& who) {
  const auto found = rooms.find(who.room);
  if (found != rooms.end() && found->second.erase(who.user) > 0 && found->second.empty()) rooms.erase(found);
}

// It may run again after a conflict, with the same requests.
Result<bool> SqlPresenceStore::State::answer(store::Database& db, Requests& requests) {
  if (requests.empty()) {
    const std::lock_guard held(mutex);
    asked = false;
    requests = std::exchange(waiting, {});
  }
  for (std::size_t begin = 0; begin < requests.size();) {
    const std::size_t end = end_of_run(requests, begin);
    TRY_VOID(answer_run(db, std::span(requests).subspan(begin, end - begin)));
    begin = end;
  }
  return true;
}

Result<void> SqlPresenceStore::State::answer_run(store::Database& db, std::span<Request> run) {
  const std::string name = [this] {
    const std::lock_guard held(mutex);
    return self;
  }();
  if (run.front().kind == Request::Kind::members) {
    TRY(present, read_present(db, name, run.front().who.room, run.front().most));
    run.front().present = std::move(present);
    return {};
  }
  std::vector<PresentUser> users;
  for (const Request& request : run) users.push_back(request.who);
  const bool comes = run.front().kind == Request::Kind::touch;
  TRY(changes, comes ? put_present(db, name, users, false) : remove_present(db, name, name, users));
  for (std::size_t i = 0; i < run.size(); ++i) {
    run[i].change = {.changed = changes[i].changed, .count = changes[i].count};
    if (!comes) run[i].change.name = std::move(changes[i].who.name);
  }
  return {};
}

void SqlPresenceStore::State::answered(Requests requests, const Result<bool>& done) {
  if (!done) {
    const std::lock_guard held(mutex);
    asked = false;
    std::ranges::move(std::exchange(waiting, {}), std::back_inserter(requests));
    for (const Request& request : requests)
      if (request.kind != Request::Kind::members) unsure.insert(request.who.room);
  }
  for (Request& request : requests) {
    if (request.kind == Request::Kind::members)
      request.listed(done ? Result<PresentMembers>(std::move(request.present)) : std::unexpected(done.error()));
    else
      request.changed(done ? Result<PresenceChange>(std::move(request.change)) : std::unexpected(done.error()));
  }
}

// --- rounds ---

void SqlPresenceStore::State::round(std::function<void()> done) {
  writer.submit<Part>([self = shared_from_this()](store::Database& db) { return self->step(db); },
      [self = shared_from_this(), done = std::move(done)](const Result<Part>& part) mutable {
    if (part) self->stepped(*part);
    if (part && part->more) return self->round(std::move(done));
    if (done) done();
  });
}

Result<SqlPresenceStore::State::Part> SqlPresenceStore::State::step(store::Database& db) {
  std::unique_lock held(mutex);
  std::string name = self;
  bool fresh = new_name;
  held.unlock();
  TRY(renewed, renew_presence(db, name, kSqlPresenceLease, fresh));
  held.lock();
  if (!renewed) { // others may be removing its entries
    name = self = options.node.str() + "." + std::to_string(++names);
    fresh = new_name = true;
  }
  if (fresh)
    for (const auto& [room, users] : rooms) unsure.insert(room);
  Part part;
  std::vector<std::vector<PresentUser>> content;
  std::size_t users = 0;
  for (const RoomName& room : unsure) {
    if (part.more = users >= kPresenceTransaction; part.more) break;
    part.written.push_back(room);
    content.push_back(users_of(room));
    users += content.back().size();
  }
  held.unlock();
  if (!renewed) TRY_VOID(renew_presence(db, name, kSqlPresenceLease, true));
  for (std::size_t i = 0; i < content.size(); ++i) TRY_VOID(write_room(db, name, part.written[i], content[i], part));
  if (!part.more) TRY_VOID(reap(db, name, part));
  return part;
}

std::vector<PresentUser> SqlPresenceStore::State::users_of(const RoomName& room) {
  std::vector<PresentUser> out;
  if (const auto found = rooms.find(room); found != rooms.end())
    for (const auto& [user, name] : found->second) out.push_back({room, user, name});
  return out;
}

Result<void> SqlPresenceStore::State::write_room(store::Database& db, const std::string& name, const RoomName& room,
    const std::vector<PresentUser>& users, Part& part) {
  TRY(present, present_of(db, name, room.view(), SIZE_MAX >> 1U));
  std::set<std::string_view> here;
  for (const PresentUser& user : users) here.insert(user.user.view());
  std::vector<PresentUser> surplus;
  for (PresentUser& user : present)
    if (!here.contains(user.user.view())) surplus.push_back(std::move(user));
  const auto keep = [](std::vector<PresentUserChange>& to, std::vector<PresentUserChange> changes) {
    for (PresentUserChange& change : changes)
      if (change.changed) to.push_back(std::move(change));
  };
  const auto each = [](const std::vector<PresentUser>& all, const auto& act) -> Result<void> {
    for (std::size_t at = 0; at < all.size(); at += kPresenceStatement) {
      const std::size_t end = std::min(all.size(), at + kPresenceStatement);
      const std::vector<PresentUser> some(
          all.begin() + static_cast<std::ptrdiff_t>(at), all.begin() + static_cast<std::ptrdiff_t>(end));
      TRY_VOID(act(some));
    }
    return {};
  };
  TRY_VOID(each(surplus, [&](const auto& some) -> Result<void> {
    TRY(left, remove_present(db, name, name, some));
    keep(part.left, std::move(left));
    return {};
  }));
  return each(users, [&](const auto& some) -> Result<void> {
    TRY(came, put_present(db, name, some, true));
    keep(part.came, std::move(came));
    return {};
  });
}

// Of the nodes that see a dead one, one wins. If it fails, another begins again.
Result<void> SqlPresenceStore::State::reap(store::Database& db, const std::string& name, Part& part) {
  TRY(dead, win_dead(db, name, kSqlPresenceLease));
  if (dead.empty()) return {};
  part.more = true;
  TRY(users, present_of(db, dead, {}, kPresenceTransaction));
  if (users.empty()) return forget_dead(db, dead, name);
  TRY(left, remove_present(db, name, dead, users));
  for (PresentUserChange& change : left)
    if (change.changed) part.left.push_back(std::move(change));
  return {};
}

void SqlPresenceStore::State::stepped(const Part& part) {
  {
    const std::lock_guard held(mutex);
    new_name = false;
    for (const RoomName& room : part.written) unsure.erase(room);
  }
  report(options.left, part.left);
  report(options.came, part.came);
}

void SqlPresenceStore::State::report(
    const SqlPresenceOptions::Report& to, const std::vector<PresentUserChange>& changes) {
  if (!to) return;
  for (const auto& [who, changed, count] : changes) to(who.room, {who.user, who.name}, count);
}

// --- the interface ---

SqlPresenceStore::SqlPresenceStore(SqlPresenceOptions options, store::Writer& writer, Executor& executor)
    : state_(std::make_shared<State>(std::move(options), writer)),
      executor_(executor) {
  const auto go = [weak = std::weak_ptr<State>(state_)] {
    if (const auto alive = weak.lock()) alive->round({});
  };
  executor.post(go);
  timer_ = executor.every(kSqlPresenceRound, go);
}
SqlPresenceStore::~SqlPresenceStore() { executor_.cancel(timer_); }

void SqlPresenceStore::round(std::function<void()> done) { state_->round(std::move(done)); }

void SqlPresenceStore::touch(RoomName room, rooms::Member member, Completion<PresenceChange> done) {
  state_->ask({.kind = Request::Kind::touch,
      .who = {std::move(room), std::move(member.id), std::move(member.name)},
      .changed = std::move(done)});
}

void SqlPresenceStore::leave(RoomName room, UserId user, Completion<PresenceChange> done) {
  state_->ask({.kind = Request::Kind::leave, .who = {std::move(room), std::move(user)}, .changed = std::move(done)});
}

void SqlPresenceStore::members(RoomName room, std::size_t most, Completion<PresentMembers> done) {
  state_->ask({.kind = Request::Kind::members,
      .who = {.room = std::move(room), .user = {}},
      .most = most,
      .listed = std::move(done)});
}

} // namespace foyer::engine

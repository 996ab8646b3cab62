#include "engine/sql/presence_store.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <unordered_map>
#include <unordered_set>
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
  bool told = false; // of a leave: others know that the user was there
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
  using Users = std::unordered_map<UserId, std::string>; // id → name
  struct Room {
    Users users = {};                       // of this node
    std::unordered_set<UserId> untold = {}; // of these: nobody was told that they came
    Users gone = {};                        // nobody was told that they left
  };

  State(SqlPresenceOptions o, store::Writer& w) : options(std::move(o)), writer(w), self(options.node.str()) {}

  void ask(Request request);
  void note(Request& request);           // the lock is held
  using Requests = std::vector<Request>; // of one transaction
  [[nodiscard]] Result<bool> answer(store::Database& db, Requests& requests);
  [[nodiscard]] Result<void> answer_run(store::Database& db, std::span<Request> run);
  void answered(Requests requests, const Result<bool>& done);
  void not_done(const Requests& requests); // the lock is held

  // A room as it is to be written.
  struct Content {
    RoomName room;
    std::vector<PresentUser> told = {}, untold = {}, gone = {};
    std::uint64_t doubt = 0;
  };
  // What one transaction of a round has done; true in `more`: there is more to do.
  struct Part {
    std::vector<Content> written = {};
    std::vector<PresenceReport> reports = {}, recounts = {};
    std::string era = {};
    bool more = false;
  };
  void round(std::function<void()> done);
  [[nodiscard]] Result<Part> step(store::Database& db);
  [[nodiscard]] std::size_t take_unsure(Part& part); // the lock is held
  [[nodiscard]] Result<void> write_room(
      store::Database& db, const std::string& name, const Content& content, bool recount, Part& part);
  [[nodiscard]] Result<void> count_again(store::Database& db, const std::string& name, Part& part);
  [[nodiscard]] Result<void> reap(store::Database& db, const std::string& name, Part& part);
  void stepped(const Part& part);
  [[nodiscard]] Content content_of(const RoomName& room); // the lock is held
  [[nodiscard]] Millis lease() const { return kSqlPresenceLease * options.tick.count() / 1'000; }

  const SqlPresenceOptions options;
  store::Writer& writer;

  std::mutex mutex;     // what follows
  std::string self;     // the name of this node's entries
  bool new_name = true; // no lease under it yet
  std::uint64_t names = 0;
  std::unordered_map<RoomName, Room> rooms;
  // A transaction about them failed, or their entries have another name. The number is new with each doubt: one that
  // comes while a round writes the room is not settled by that round.
  std::map<RoomName, std::uint64_t> unsure;
  std::uint64_t doubts = 0;
  std::string era;     // of the server's memory
  bool forgot = false; // it lost its memory, and not every room is written again
  std::set<RoomName> to_count;
  int looks = 0;      // rounds in a row with a lease, at most kPresenceLooks
  bool away = false;  // the last transaction failed: the lease may end, and nobody would count what is written
  Requests waiting;   // for the next transaction
  bool asked = false; // a job will take what waits
};

// --- requests: those that come while a transaction is under way share the next one ---

void SqlPresenceStore::State::ask(Request request) {
  {
    const std::lock_guard held(mutex);
    note(request);
    waiting.push_back(std::move(request));
    if (std::exchange(asked, true)) return;
  }
  const auto requests = std::make_shared<Requests>();
  writer.submit<bool>([self = shared_from_this(), requests](store::Database& db) {
    return self->answer(db, *requests);
  }, [self = shared_from_this(), requests](const Result<bool>& done) { self->answered(std::move(*requests), done); });
}

void SqlPresenceStore::State::note(Request& request) {
  PresentUser& who = request.who;
  if (request.kind == Request::Kind::touch) {
    Room& room = rooms[who.room];
    who.name = room.users.try_emplace(who.user, who.name).first->second;
    room.gone.erase(who.user);
    return;
  }
  const auto found = rooms.find(who.room);
  if (request.kind != Request::Kind::leave || found == rooms.end()) return;
  Room& room = found->second;
  if (const auto user = room.users.find(who.user); user != room.users.end()) {
    who.name = std::move(user->second);
    room.users.erase(user);
    request.told = room.untold.erase(who.user) == 0;
  }
  if (room.users.empty() && room.gone.empty()) rooms.erase(found);
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
  TRY(changes, comes ? put_present(db, name, users, PresentPut::first) : remove_present(db, name, name, users));
  for (std::size_t i = 0; i < run.size(); ++i) {
    run[i].change = {.changed = changes[i].changed, .count = changes[i].count, .order = changes[i].order};
    if (!comes) run[i].change.name = std::move(changes[i].who.name);
  }
  return {};
}

void SqlPresenceStore::State::answered(Requests requests, const Result<bool>& done) {
  bool back = false;
  {
    const std::lock_guard held(mutex);
    back = std::exchange(away, !done) && done;
    if (!done) {
      asked = false;
      std::ranges::move(std::exchange(waiting, {}), std::back_inserter(requests));
      not_done(requests);
    }
  }
  if (back) round({});
  for (Request& request : requests) {
    if (request.kind == Request::Kind::members)
      request.listed(done ? Result<PresentMembers>(std::move(request.present)) : std::unexpected(done.error()));
    else
      request.changed(done ? Result<PresenceChange>(std::move(request.change)) : std::unexpected(done.error()));
  }
}

// The next round tells what these would have told.
void SqlPresenceStore::State::not_done(const Requests& requests) {
  std::set<std::pair<std::string_view, std::string_view>> never_came;
  for (const Request& request : requests) {
    if (request.kind == Request::Kind::members) continue;
    const PresentUser& who = request.who;
    unsure[who.room] = ++doubts;
    Room& room = rooms[who.room];
    const bool here = room.users.contains(who.user);
    if (request.kind == Request::Kind::touch) {
      if (here)
        room.untold.insert(who.user);
      else
        never_came.emplace(who.room.view(), who.user.view());
    } else if (!here && request.told && !never_came.contains({who.room.view(), who.user.view()})) {
      room.gone.emplace(who.user, who.name);
    }
  }
}

// --- rounds ---

void SqlPresenceStore::State::round(std::function<void()> done) {
  writer.submit<Part>([self = shared_from_this()](store::Database& db) { return self->step(db); },
      [self = shared_from_this(), done = std::move(done)](const Result<Part>& part) mutable {
    {
      const std::lock_guard held(self->mutex);
      self->away = !part;
    }
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
  Part part;
  TRY(now, presence_era(db));
  part.era = std::move(now);
  TRY(renewed, renew_presence(db, name, lease(), fresh));
  held.lock();
  forgot = forgot || (!era.empty() && era != part.era);
  if (!renewed) { // others may be removing its entries
    name = self = options.node.str() + "." + std::to_string(++names);
    fresh = new_name = true;
    looks = 0;
  }
  const bool may_reap = looks == kPresenceLooks;
  if (fresh)
    for (const auto& [room, content] : rooms) unsure[room] = ++doubts;
  const bool recount = forgot;
  part.more = take_unsure(part) < unsure.size();
  held.unlock();
  if (!renewed) TRY_VOID(renew_presence(db, name, lease(), true));
  for (const Content& content : part.written) TRY_VOID(write_room(db, name, content, recount, part));
  if (!part.more) TRY_VOID(count_again(db, name, part));
  if (!part.more && may_reap) TRY_VOID(reap(db, name, part));
  return part;
}

// How many rooms: as many as fit into one transaction.
std::size_t SqlPresenceStore::State::take_unsure(Part& part) {
  std::size_t users = 0;
  for (const auto& [room, doubt] : unsure) {
    if (users >= kPresenceTransaction) break;
    Content& one = part.written.emplace_back(content_of(room));
    one.doubt = doubt;
    users += one.told.size() + one.untold.size() + one.gone.size();
  }
  return part.written.size();
}

SqlPresenceStore::State::Content SqlPresenceStore::State::content_of(const RoomName& room) {
  Content out{.room = room};
  const auto found = rooms.find(room);
  if (found == rooms.end()) return out;
  const auto& [users, untold, gone] = found->second;
  for (const auto& [user, name] : users) (untold.contains(user) ? out.untold : out.told).push_back({room, user, name});
  for (const auto& [user, name] : gone) out.gone.push_back({room, user, name});
  return out;
}

Result<void> SqlPresenceStore::State::write_room(
    store::Database& db, const std::string& name, const Content& content, bool recount, Part& part) {
  PresenceReport report{.room = content.room, .recount = recount};
  TRY(present, present_of(db, name, content.room.view(), SIZE_MAX >> 1U));
  std::set<std::string_view> here;
  for (const auto* users : {&content.told, &content.untold})
    for (const PresentUser& user : *users) here.insert(user.user.view());
  std::erase_if(present, [&here](const PresentUser& user) { return here.contains(user.user.view()); });
  const auto each = [](const std::vector<PresentUser>& all, const auto& act) -> Result<void> {
    for (std::size_t at = 0; at < all.size(); at += kPresenceStatement) {
      const std::size_t end = std::min(all.size(), at + kPresenceStatement);
      const std::vector<PresentUser> some(
          all.begin() + static_cast<std::ptrdiff_t>(at), all.begin() + static_cast<std::ptrdiff_t>(end));
      TRY_VOID(act(some));
    }
    return {};
  };
  TRY_VOID(each(present, [&](const auto& some) -> Result<void> {
    TRY_VOID(remove_present(db, name, name, some));
    return {};
  }));
  const auto put = [&](PresentPut how, bool tells) {
    return [&db, &name, &report, how, tells](const auto& some) -> Result<void> {
      TRY(came, put_present(db, name, some, how));
      for (PresentUserChange& change : came)
        if (tells && change.changed) report.came.push_back({change.who.user, change.who.name});
      return {};
    };
  };
  TRY_VOID(each(content.told, put(PresentPut::again, !recount)));
  TRY_VOID(each(content.untold, put(PresentPut::untold, true)));
  TRY(gone, absent_of(db, name, content.gone));
  for (PresentUser& user : gone) report.left.push_back({std::move(user.user), std::move(user.name)});
  if (!recount && report.came.empty() && report.left.empty()) return {};
  TRY(counts, count_present(db, name, {content.room}));
  report.count = counts.front().users;
  report.order = counts.front().order;
  part.reports.push_back(std::move(report));
  return {};
}

Result<void> SqlPresenceStore::State::count_again(store::Database& db, const std::string& name, Part& part) {
  std::vector<RoomName> some;
  {
    const std::lock_guard held(mutex);
    for (auto room = to_count.begin(); room != to_count.end() && some.size() < kPresenceStatement; ++room)
      some.push_back(*room);
    part.more = some.size() < to_count.size();
  }
  if (some.empty()) return {};
  TRY(counts, count_present(db, name, some));
  for (std::size_t i = 0; i < some.size(); ++i)
    part.recounts.push_back({.room = some[i], .count = counts[i].users, .order = counts[i].order, .recount = true});
  return {};
}

// Of the nodes that see a dead one, one wins. If it fails, another begins again.
Result<void> SqlPresenceStore::State::reap(store::Database& db, const std::string& name, Part& part) {
  TRY(dead, win_dead(db, name, lease()));
  if (dead.empty()) return {};
  part.more = true;
  TRY(users, present_of(db, dead, {}, kPresenceTransaction));
  if (users.empty()) return forget_dead(db, dead, name);
  TRY(left, remove_present(db, name, dead, users));
  std::map<RoomName, PresenceReport> reports;
  for (PresentUserChange& change : left) {
    if (!change.changed) continue;
    PresenceReport& report =
        reports.try_emplace(change.who.room, PresenceReport{.room = change.who.room}).first->second;
    report.left.push_back({std::move(change.who.user), std::move(change.who.name)});
    report.count = change.count;
    report.order = change.order;
  }
  for (auto& [room, report] : reports) part.reports.push_back(std::move(report));
  return {};
}

void SqlPresenceStore::State::stepped(const Part& part) {
  {
    const std::lock_guard held(mutex);
    new_name = false;
    era = part.era;
    if (!part.more) looks = std::min(looks + 1, kPresenceLooks);
    for (const auto& [room, told, untold, gone, doubt] : part.written) {
      if (const auto still = unsure.find(room); still != unsure.end() && still->second == doubt) unsure.erase(still);
      const auto found = rooms.find(room);
      if (found == rooms.end()) continue;
      for (const PresentUser& user : untold) found->second.untold.erase(user.user);
      for (const PresentUser& user : gone) found->second.gone.erase(user.user);
      if (found->second.users.empty() && found->second.gone.empty()) rooms.erase(found);
    }
    if (unsure.empty()) forgot = false;
    for (const PresenceReport& report : part.recounts) to_count.erase(report.room);
  }
  for (const PresenceReport& report : part.reports)
    if (options.report) options.report(report);
  for (const PresenceReport& report : part.recounts)
    if (options.recount) options.recount(report);
}

// --- the interface ---

SqlPresenceStore::SqlPresenceStore(SqlPresenceOptions options, store::Writer& writer, Executor& executor)
    : state_(std::make_shared<State>(std::move(options), writer)),
      executor_(executor) {
  const Millis round = kSqlPresenceRound * state_->options.tick.count() / 1'000;
  go_ = [weak = std::weak_ptr<State>(state_)] {
    if (const auto alive = weak.lock()) alive->round({});
  };
  executor.post(go_);
  timer_ = executor.every(round, go_);
}
SqlPresenceStore::~SqlPresenceStore() { executor_.cancel(timer_); }

void SqlPresenceStore::recount() {
  {
    const std::lock_guard held(state_->mutex);
    for (const auto& [room, content] : state_->rooms) state_->to_count.insert(room);
  }
  executor_.post(go_);
}

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

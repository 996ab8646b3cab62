// Loads rooms into their home's memory and unloads them. A request that the actor may not make is refused before
// anything is loaded or written.
#include <algorithm>

#include "rooms/room.h"

namespace foyer::rooms {
namespace {

Refusal busy(std::string_view limit) {
  return {.cause = Cause::BUSY, .evidence = std::string(limit), .retry_after = Millis{1'000}};
}

// Only public rooms count: each user has one own room.
bool counts_as_new(const RoomName& name) { return kind_of(name.view()) == RoomKind::public_; }

} // namespace

// The members of a private or direct room are known only to the store, which decides about them.
std::optional<Refusal> RoomHome::decide_by_name(
    const RoomName& name, const RoomSettings& settings, const Actor& actor, Act act) {
  const auto kind = kind_of(name.view());
  if (!kind) return kind.error();
  const Standing standing{.member = may_be_inside(*kind, name.view(), actor.user),
      .token = actor.has_token,
      .app_let_in = actor.app_let_in,
      .app_lets_write = actor.app_lets_write,
      .application = actor.is_application() || (actor.let_in && act == Act::read && *kind == RoomKind::public_)};
  const bool with_members = *kind == RoomKind::private_ || *kind == RoomKind::direct;
  auto allowed = may(act, with_members ? RoomKind::private_ : *kind, settings, standing, actor.permissions);
  if (allowed) return std::nullopt;
  return std::move(allowed).error();
}

void RoomHome::with_room(const RoomName& name, const Actor& actor, Act act, Load load_as, Operation operation) {
  Room* const loaded_room = find(name);
  const RoomSettings settings = loaded_room == nullptr ? policy_.rules.of(name.view()) : loaded_room->settings;
  if (auto refusal = decide_by_name(name, settings, actor, act)) return operation(std::unexpected(std::move(*refusal)));
  if (Room* room = loaded_room) {
    if (room->unconfirmed && !room->confirming) confirm(*room);
    if (!room->unconfirmed) {
      operation(room);
      return schedule(*room);
    }
    if (room->waiting.size() >= policy_.waiting)
      return operation(std::unexpected(busy("too many commands wait for the room to be confirmed")));
    return room->waiting.push_back(std::move(operation));
  }
  const auto kind = kind_of(name.view());
  const bool known_to_members =
      *kind == RoomKind::public_ && settings.join == JoinBy::members && !actor.is_application() && !actor.let_in;
  const bool make = load_as == Load::made && !known_to_members;
  if (known_to_members) // to non-members, a room that does not exist looks like any other
    operation = [then = std::move(operation)](Result<Room*> opened) mutable {
      if (!opened && opened.error().cause == Cause::NOT_FOUND) opened = refuse(Cause::NOT_A_MEMBER);
      then(std::move(opened));
    };
  const bool in_memory_only = !settings.durable && !has_members(*kind, settings);
  if (in_memory_only && !make && outlets_.shared_log != nullptr)
    return find_in_shared_log(name, actor, std::move(operation));
  if (in_memory_only && !make) return operation(refuse_field(Cause::NOT_FOUND, "room"));
  const auto found = loading_.find(name);
  if (found == loading_.end() && loaded() >= policy_.rooms_loaded) {
    rooms_refused_.add();
    return operation(std::unexpected(busy("rooms_loaded: the limit of rooms in memory is reached")));
  }
  if (found != loading_.end() && found->second->waiting.size() >= policy_.waiting)
    return operation(std::unexpected(busy("too many commands wait for the room to be loaded")));
  if (in_memory_only) return load_from_memory(name, actor, *kind, std::move(operation));
  auto& loading = found != loading_.end() ? found->second : loading_[name];
  if (!loading) loading = std::make_unique<Loading>();
  // A private room whose rule opens it to others is opened as the server, because the store would require a member.
  const bool open_to_others = *kind == RoomKind::private_ && settings.join != JoinBy::members;
  const UserId by = open_to_others ? UserId{} : actor.requester();
  loading->waiting.push_back({.by = by, .make = make, .operation = std::move(operation)});
  const bool first = loading->asked.emplace(by, Loading::Asked{.use = actor.use, .place = {}}).second;
  if (first && !loading->leaving) ask(name, by, false);
}

// A room without a row in the store.
void RoomHome::load_from_memory(const RoomName& name, const Actor& actor, RoomKind kind, Operation operation) {
  auto place = UserUse::load_room(actor.use);
  if (!place) return operation(std::unexpected(std::move(place).error()));
  Room* room = load(name, std::move(*place), {.room = name, .kind = kind, .epoch = {}, .offset = 0, .members = {}});
  if (room->unconfirmed) {
    room->waiting.push_back(std::move(operation));
    return confirm(*room);
  }
  operation(room);
  schedule(*room);
}

// Another node may have it. A question creates no room.
void RoomHome::find_in_shared_log(const RoomName& name, const Actor& actor, Operation operation) {
  outlets_.shared_log->history({.room = name, .limit = 0},
      on_loop<HistoryPage>([this, name, actor, operation = std::move(operation)](Result<HistoryPage> page) mutable {
    if (!page) return operation(std::unexpected(std::move(page).error()));
    if (Room* room = find(name); room != nullptr) { // loaded meanwhile
      if (!room->unconfirmed) return operation(room);
      return room->waiting.push_back(std::move(operation));
    }
    if (page->epoch.empty()) return operation(refuse_field(Cause::NOT_FOUND, "room"));
    if (loaded() >= policy_.rooms_loaded)
      return operation(std::unexpected(busy("rooms_loaded: the limit of rooms in memory is reached")));
    load_from_memory(name, actor, *kind_of(name.view()), std::move(operation));
  }));
}

void RoomHome::ask(const RoomName& name, const UserId& by, bool make) {
  loading_.at(name)->asked.at(by).opened_in = openings_;
  directory_->open({.room = name, .by = by, .make = make},
      on_loop<RoomRow>([this, name, by](Result<RoomRow> row) mutable { opened(name, by, std::move(row)); }));
}

RoomHome::Room* RoomHome::load(const RoomName& name, admission::Permit place, RoomRow row) {
  auto made = std::make_unique<Room>(*this, name);
  made->place = std::move(place);
  Room* room = rooms_.emplace(name, std::move(made)).first->second.get();
  fill(*room, std::move(row));
  follow_on_nodes(*room);
  return room;
}

void RoomHome::drop(const RoomName& name) {
  const auto found = rooms_.find(name);
  if (is_shared(*found->second)) outlets_.between->unsubscribe(name, *from_nodes_);
  rooms_.erase(found);
}

void RoomHome::opened(const RoomName& name, const UserId& by, Result<RoomRow> row) {
  const auto found = loading_.find(name);
  if (found == loading_.end() || found->second->leaving) return; // loaded for another request, or being deleted
  Loading& loading = *found->second;
  const auto asked = loading.asked.find(by);
  if (asked == loading.asked.end()) return;
  if (!row) return not_opened(name, by, std::move(row).error());
  Loading::Asked& successful = asked->second;
  if (!successful.place) {
    auto place = UserUse::load_room(successful.use);
    if (!place) return not_opened(name, by, std::move(place).error());
    successful.place = std::move(*place);
  }
  if (counts_as_new(name))
    for (auto& [user, one] : loading.asked) // at most one of the requesters created it
      if (one.make && (user != by || !row->made)) one.use->no_new_room();
  auto waiting = std::move(loading.waiting);
  const auto added = std::move(loading.added);
  admission::Permit place = std::move(successful.place);
  // Since the row was read, the store was reopened, or a right in the room was taken away.
  const bool opened_again = successful.opened_in != openings_ || loading.taken;
  const bool moved = loading.moved;
  loading_.erase(found);
  Room* room = load(name, std::move(place), std::move(*row));
  room->members.insert(added.begin(), added.end());
  if ((opened_again && room->durable) || room->unconfirmed) {
    for (auto& one : waiting) room->waiting.push_back(std::move(one.operation));
    return confirm(*room);
  }
  if (moved && is_shared(*room)) look(*room);
  for (auto& one : waiting) one.operation(room);
  schedule(*room);
}

// The store refused the room to this user; other waiting users may be allowed.
void RoomHome::not_opened(const RoomName& name, const UserId& by, Refusal refusal) {
  const auto found = loading_.find(name);
  Loading& loading = *found->second;
  Loading::Asked& asked = loading.asked.at(by);
  if (asked.make && counts_as_new(name)) asked.use->no_new_room();
  const auto refuse_waiting = [&](bool those_who_make) {
    std::vector<Loading::Waiting> refused, others;
    for (auto& one : loading.waiting)
      (one.by == by && (those_who_make || !one.make) ? refused : others).push_back(std::move(one));
    loading.waiting = std::move(others);
    return refused;
  };
  const bool may_be_made = refusal.cause == Cause::NOT_FOUND && !asked.make;
  std::vector<Loading::Waiting> refused = refuse_waiting(!may_be_made), beyond_limit;
  std::optional<Refusal> limit;
  if (may_be_made && std::ranges::any_of(loading.waiting, [&](const auto& one) { return one.by == by; })) {
    // A room is not created if it does not fit into memory.
    if (auto place = UserUse::load_room(asked.use))
      asked.place = std::move(*place);
    else
      limit = std::move(place).error();
    if (!limit && counts_as_new(name)) limit = asked.use->new_room(loop_.now());
    if (limit)
      beyond_limit = refuse_waiting(true);
    else
      asked.make = true;
  }
  if (asked.make && may_be_made)
    ask(name, by, true);
  else
    loading.asked.erase(by);
  if (loading.asked.empty()) loading_.erase(found); // everyone who waited was a requester
  for (auto& one : refused) one.operation(std::unexpected(refusal));
  for (auto& one : beyond_limit) one.operation(std::unexpected(*limit));
}

void RoomHome::unload(const RoomName& name) {
  const auto found = rooms_.find(name);
  const Room& room = *found->second;
  // A room in memory has a row in the store only if its members were needed.
  const bool in_store = room.durable ? room.offset() == 0 : has_members(room.kind, room.settings);
  const bool own = outlets_.between == nullptr; // another node may be using an empty room
  const bool empty = own && in_store && (room.kind == RoomKind::public_ || room.kind == RoomKind::own);
  room.log->release(name);
  drop(RoomName{name});
  if (!empty) return;
  // Requests that come until it is deleted wait, and then load it again.
  auto loading = std::make_unique<Loading>();
  loading->leaving = true;
  loading_.emplace(name, std::move(loading));
  directory_->forget_empty(name, on_loop<bool>([this, name](Result<bool>) { forgotten(name); }));
}

void RoomHome::forgotten(const RoomName& name) {
  const auto found = loading_.find(name);
  found->second->leaving = false;
  if (found->second->asked.empty()) {
    loading_.erase(found);
    return;
  }
  std::vector<UserId> users;
  for (const auto& [user, asked] : found->second->asked) users.push_back(user);
  for (const UserId& user : users) ask(name, user, false);
}

} // namespace foyer::rooms

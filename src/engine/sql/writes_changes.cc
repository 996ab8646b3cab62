// Changes to earlier messages: deletions, and the end of an author's account.
#include <algorithm>

#include "engine/sql/hook_data.h"
#include "engine/sql/writes.h"

namespace foyer::engine {
namespace {

constexpr Offset kTrimChanges = 64;
constexpr std::int64_t kLookedAt = 5'000; // messages of a room, in one transaction

struct Place {
  std::int64_t id = 0;
  std::string name;
  Offset change = 0;
};

// The named rooms, locked or not, in which `table` has rows of a user.
Result<std::vector<Place>> rooms_of(
    store::Database& db, bool lock, std::string_view table, std::string_view column, const UserId& user) {
  std::vector<Place> places;
  TRY(rows,
      db.query("SELECT r.id, r.name, r.last_change FROM " + std::string(table) +
              " t JOIN rooms r ON r.id = t.room_id WHERE t." + std::string(column) +
              " = ? AND r.name IS NOT NULL ORDER BY r.id" + (lock ? " FOR UPDATE OF r" : ""),
          user));
  for (;;) {
    TRY(more, rows.step());
    if (!more) return places;
    places.push_back({rows.integer(0), rows.text(1), rows.count(2)});
  }
}

} // namespace

Result<void> Writes::put_author(store::Database& db, std::int64_t room, const UserId& author) {
  std::string key = std::to_string(room) + '\0' + author.str();
  if (authors_.contains(key)) return {};
  TRY_VOID(db.change("INSERT INTO authors (author, room_id) VALUES (?, ?) ON CONFLICT DO NOTHING", author, room));
  made_authors_.push_back(key);
  authors_.insert(std::move(key));
  return {};
}

Result<Offset> Writes::put_change(
    store::Database& db, std::int64_t room, Offset last, ChangeKind kind, Offset offset, std::string_view body) {
  const Offset number = last + 1;
  TRY_VOID(db.change("INSERT INTO changes (room_id, change, \"offset\", kind, body) VALUES (?, ?, ?, ?, ?)", room,
      number, offset, kind, body));
  TRY_VOID(db.change("UPDATE rooms SET last_change = ? WHERE id = ?", number, room));
  TRY_VOID(tell_others(db, room));
  // Recovery returns only the newest; the others are deleted now and then.
  if (number % kTrimChanges == 0 && number > kRecoverableChanges)
    TRY_VOID(db.change("DELETE FROM changes WHERE room_id = ? AND change <= ?", room, number - kRecoverableChanges));
  return number;
}

Result<Erased> Writes::erase(store::Database& db, const RoomName& name, Offset offset, const UserId& by, bool any) {
  TRY(room, find(db, name.view()));
  if (room == nullptr) return refuse_field(Cause::NOT_FOUND, "offset");
  bool erased = false;
  UserId author;
  {
    TRY(rows, db.query("SELECT author, erased FROM messages WHERE room_id = ? AND \"offset\" = ?", room->id, offset));
    TRY(there, rows.step());
    if (!there) return refuse_field(Cause::NOT_FOUND, "offset");
    if (!any && rows.view(0) != by.view()) return refuse(Cause::PERMISSION_DENIED, "the message is another user's");
    erased = rows.integer(1) != 0;
    author = UserId(rows.view(0));
  }
  if (erased) { // the first deletion may not have been announced
    TRY(rows,
        db.query("SELECT change FROM changes WHERE room_id = ? AND \"offset\" = ? AND kind = ?", room->id, offset,
            ChangeKind::deleted));
    TRY(there, rows.step());
    return Erased{.offset = offset, .change = there ? rows.count(0) : 0};
  }
  TRY_VOID(db.change(
      "UPDATE messages SET text = '', type = 0, erased = 1 WHERE room_id = ? AND \"offset\" = ?", room->id, offset));
  TRY(change, put_change(db, room->id, room->change, ChangeKind::deleted, offset, ""));
  TRY_VOID(events_.erase_message(db, name.view(), offset, erased_data(name.view(), room->epoch, offset, author)));
  room->change = change;
  if (events_.wants(HookType::message_deleted))
    events_.note({.type = HookType::message_deleted,
        .room = name.view(),
        .data = deleted_data(name.view(), room->epoch, offset, by)});
  return Erased{.offset = offset, .change = change};
}

Result<Writes::Erasing> Writes::erase_texts(store::Database& db, const UserId& user, const Erasing& from) {
  Erasing next = from;
  std::string name;
  Epoch epoch;
  {
    TRY(rows,
        db.query("SELECT a.room_id, r.name, r.epoch FROM authors a JOIN rooms r ON r.id = a.room_id WHERE a.author = ? "
                 "AND a.room_id >= ? AND r.name IS NOT NULL ORDER BY a.room_id LIMIT 1",
            user, from.room));
    TRY(there, rows.step());
    if (!there) return Erasing{.any = from.any, .over = true};
    next.room = rows.integer(0);
    name = rows.text(1);
    epoch = Epoch(rows.view(2));
  }
  if (next.room != from.room) next.after = 0;
  if (many_) { // what others are storing is there when they give the room back
    TRY(locked, find(db, name));
    if (locked == nullptr || locked->id != next.room) return Erasing{.room = next.room + 1, .any = next.any};
  }
  std::vector<Offset> offsets; // that are erased
  std::int64_t looked_at = 0;
  {
    TRY(rows,
        db.query("SELECT \"offset\", author, erased FROM messages WHERE room_id = ? AND \"offset\" > ? ORDER BY "
                 "\"offset\" LIMIT ?",
            next.room, next.after, kLookedAt));
    for (;; ++looked_at) {
      TRY(there, rows.step());
      if (!there) break;
      next.after = rows.count(0);
      if (rows.view(1) == user.view() && rows.integer(2) == 0) offsets.push_back(next.after);
    }
  }
  for (const Offset offset : offsets) {
    TRY_VOID(db.change(
        "UPDATE messages SET text = '', type = 0, erased = 1 WHERE room_id = ? AND \"offset\" = ?", next.room, offset));
    TRY_VOID(events_.erase_message(db, name, offset, erased_data(name, epoch.view(), offset, user)));
  }
  next.any = next.any || !offsets.empty();
  if (looked_at < kLookedAt) next = {.room = next.room + 1, .after = 0, .any = next.any};
  return next;
}

Result<Detached> Writes::detach_author(store::Database& db, const UserId& user, Forget what) {
  const bool texts = what == Forget::name_and_texts;
  TRY_VOID(lock_rooms_of(db, user));
  TRY(renamed,
      db.change("UPDATE names SET name = ? WHERE \"user\" = ? AND name <> ?", kDetachedName, user, kDetachedName));
  TRY(rooms, rooms_of(db, many_, "members", "\"user\"", user));
  // Another writer may be adding the user somewhere: that comes after this.
  for (const Place& place : rooms)
    TRY_VOID(db.change("DELETE FROM members WHERE room_id = ? AND \"user\" = ?", place.id, user));
  TRY_VOID(db.change("DELETE FROM room_invitations WHERE \"user\" = ?1 OR sender = ?1", user));
  TRY_VOID(db.change("DELETE FROM people WHERE \"user\" = ?", user));
  std::vector<std::string> gone;
  for (const Place& place : rooms) {
    TRY(emptied,
        db.change("UPDATE rooms SET name = NULL, pair = NULL WHERE id = ?1 AND kind <> 0 AND NOT EXISTS (SELECT 1 FROM "
                  "members WHERE "
                  "room_id = ?1)",
            place.id));
    if (emptied == 1) gone.push_back(place.name);
  }
  TRY_VOID(db.change("UPDATE rooms SET creator = NULL WHERE creator = ?", user));
  TRY_VOID(tell_taken(db, TakenAway::account, {}, user.view()));
  const std::string own = "user:" + user.str();
  TRY(had_own, db.change("UPDATE rooms SET name = NULL WHERE name = ?", own));
  Detached detached{.any = renamed > 0 || !rooms.empty() || had_own > 0};
  for (const Place& place : rooms)
    if (std::ranges::find(gone, place.name) == gone.end()) detached.rooms.push_back({RoomName(place.name), 0});
  // Otherwise it was done before: the end of an account is reported again after a restart.
  if (renamed > 0 || texts) {
    TRY(written, rooms_of(db, many_, "authors", "author", user));
    for (const Place& place : written) {
      TRY(change,
          put_change(db, place.id, place.change, texts ? ChangeKind::author_erased : ChangeKind::author_detached, 0,
              user.view()));
      const auto known = std::ranges::find(detached.rooms, RoomName(place.name), &Detached::Room::room);
      if (known != detached.rooms.end())
        known->change = change;
      else
        detached.rooms.push_back({RoomName(place.name), change});
    }
  }
  // Nothing refuses from here on: the memory may follow.
  for (const Place& place : rooms) {
    TRY(kind, kind_of(place.name));
    report_member(HookType::member_removed, place.name, user);
    if (std::ranges::find(gone, place.name) != gone.end()) report_room(HookType::room_deleted, place.name, kind);
  }
  if (had_own > 0) report_room(HookType::room_deleted, own, RoomKind::own);
  // Nothing refuses from here on: the memory may follow.
  for (const std::string& name : gone) rooms_.erase(name);
  rooms_.erase(own);
  for (const Detached::Room& room : detached.rooms)
    if (const auto known = rooms_.find(room.room.view()); known != rooms_.end() && room.change > 0)
      known->second.change = room.change;
  names_.clear();
  return detached;
}

} // namespace foyer::engine

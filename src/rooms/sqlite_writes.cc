#include "rooms/sqlite_writes.h"

#include <fmt/format.h>

#include <array>

#include "base/bytes.h"

namespace foyer::rooms {
namespace {

constexpr std::size_t kRemembered = 50'000; // rooms, and names

bool has_members(RoomKind kind) { return kind == RoomKind::private_ || kind == RoomKind::direct; }

std::string pair_of(const UserId& a, const UserId& b) { return a < b ? a.str() + '\n' + b.str() : b.str() + '\n' + a.str(); }

} // namespace

Result<std::vector<UserId>> members_of(store::Database& db, std::int64_t room_id) {
  std::vector<UserId> members;
  TRY(rows, db.query("SELECT user FROM members WHERE room_id = ? ORDER BY user", room_id));
  for (;;) {
    TRY(more, rows.step());
    if (!more) return members;
    members.emplace_back(rows.view(0));
  }
}

// --- rooms ---

Result<SqliteWrites::Room*> SqliteWrites::find(store::Database& db, std::string_view name) {
  if (const auto found = rooms_.find(name); found != rooms_.end()) return &found->second;
  TRY(rows, db.query("SELECT id, kind, epoch, last_offset, active_ms FROM rooms WHERE name = ?", name));
  TRY(there, rows.step());
  if (!there) return nullptr;
  Room room{.id = rows.integer(0), .kind = static_cast<RoomKind>(rows.integer(1)), .epoch = rows.text(2), .last = rows.count(3), .active = rows.time(4)};
  return &rooms_.emplace(std::string(name), std::move(room)).first->second;
}

Result<SqliteWrites::Room*> SqliteWrites::find_or_make(store::Database& db, std::string_view name) {
  TRY(found, find(db, name));
  if (found != nullptr) return found;
  TRY(kind, kind_of(name));
  if (has_members(kind)) return refuse(Cause::NOT_A_MEMBER);
  return make(db, name, kind, std::nullopt, std::nullopt);
}

Result<SqliteWrites::Room*> SqliteWrites::make(store::Database& db, std::string_view name, RoomKind kind, std::optional<std::string_view> pair, std::optional<std::string_view> creator) {
  Room room{.kind = kind, .epoch = entropy_.short_id(), .active = clock_.wall()};
  TRY(inserted, db.query("INSERT INTO rooms (name, kind, pair, creator, epoch, last_offset, active_ms) VALUES (?, ?, ?, ?, ?, 0, ?) RETURNING id", name, kind, pair, creator, room.epoch, room.active));
  TRY_VOID(inserted.step());
  room.id = inserted.integer(0);
  made_rooms_.emplace_back(name);
  return &rooms_.emplace(std::string(name), std::move(room)).first->second;
}

Result<RoomRow> SqliteWrites::row(store::Database& db, std::string_view name, const Room& room) {
  RoomRow row{.room = RoomName(name), .kind = room.kind, .epoch = Epoch(room.epoch), .offset = room.last, .members = {}};
  if (has_members(room.kind)) {
    TRY(members, members_of(db, room.id));
    row.members = std::move(members);
  }
  return row;
}

Result<RoomRow> SqliteWrites::open(store::Database& db, const RoomName& name) {
  TRY(room, find_or_make(db, name.view()));
  return row(db, name.view(), *room);
}

Result<RoomRow> SqliteWrites::create(store::Database& db, const RoomName& name, const UserId& by) {
  TRY(kind, kind_of(name.view()));
  if (kind != RoomKind::private_) return refuse_field(Cause::ROOM_NAME_INVALID, "room", "only private rooms are created by name");
  TRY(found, find(db, name.view()));
  if (found != nullptr) return refuse(Cause::ROOM_EXISTS);
  {
    TRY(rows, db.query("SELECT count(*) FROM rooms WHERE creator = ? AND name IS NOT NULL", by));
    TRY_VOID(rows.step());
    if (rows.count(0) >= limits_.rooms_per_user) return refuse(Cause::ROOM_LIMIT, fmt::format("a user creates at most {} private rooms", limits_.rooms_per_user));
  }
  TRY(room, make(db, name.view(), kind, std::nullopt, by.view()));
  TRY_VOID(put_member(db, room->id, by));
  return row(db, name.view(), *room);
}

Result<RoomRow> SqliteWrites::direct(store::Database& db, const UserId& a, const UserId& b) {
  if (a == b) return refuse_field(Cause::BAD_MESSAGE, "user", "a direct room is between two users");
  const std::string pair = pair_of(a, b);
  {
    TRY(rows, db.query("SELECT name FROM rooms WHERE pair = ?", pair));
    TRY(there, rows.step());
    if (there) {
      const std::string name = rows.text(0);
      TRY(room, find(db, name));
      return row(db, name, *room);
    }
  }
  std::array<std::byte, 16> random{};
  entropy_.fill(random);
  const std::string name = "direct:" + hex_encode({reinterpret_cast<const char*>(random.data()), random.size()});
  TRY(room, make(db, name, RoomKind::direct, pair, std::nullopt));
  TRY_VOID(put_member(db, room->id, a));
  TRY_VOID(put_member(db, room->id, b));
  return row(db, name, *room);
}

// --- members ---

Result<void> SqliteWrites::put_member(store::Database& db, std::int64_t room, const UserId& user) {
  TRY_VOID(db.change("INSERT INTO members (room_id, user, since_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", room, user, clock_.wall()));
  return {};
}

Result<SqliteWrites::Room*> SqliteWrites::private_room(store::Database& db, const RoomName& name) {
  TRY(room, find(db, name.view()));
  if (room == nullptr) return refuse(Cause::NOT_A_MEMBER);
  if (room->kind != RoomKind::private_) return refuse(Cause::PERMISSION_DENIED, "only private rooms have members that come and go");
  return room;
}

Result<bool> SqliteWrites::add_member(store::Database& db, const RoomName& name, const UserId& user) {
  TRY(room, private_room(db, name));
  {
    TRY(rows, db.query("SELECT count(*) FROM members WHERE room_id = ?", room->id));
    TRY_VOID(rows.step());
    if (rows.count(0) >= limits_.room_members) return refuse(Cause::ROOM_LIMIT, fmt::format("a private room has at most {} members", limits_.room_members));
  }
  TRY_VOID(put_member(db, room->id, user));
  return db.changes() == 1;
}

Result<bool> SqliteWrites::remove_member(store::Database& db, const RoomName& name, const UserId& user) {
  TRY(room, private_room(db, name));
  TRY(removed, db.change("DELETE FROM members WHERE room_id = ? AND user = ?", room->id, user));
  TRY(gone, db.change("UPDATE rooms SET name = NULL WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM members WHERE room_id = ?1)", room->id));
  if (gone == 1) rooms_.erase(name.str());
  return removed == 1;
}

// --- messages ---

Result<std::int64_t> SqliteWrites::name_id(store::Database& db, const Author& author) {
  std::string key = author.id.str() + '\0' + author.name;
  if (const auto found = names_.find(key); found != names_.end()) return found->second;
  TRY(rows, db.query("SELECT id FROM names WHERE user = ? AND name = ? LIMIT 1", author.id, author.name));
  TRY(there, rows.step());
  std::int64_t id = 0;
  if (there) {
    id = rows.integer(0);
  } else {
    TRY(inserted, db.query("INSERT INTO names (user, name) VALUES (?, ?) RETURNING id", author.id, author.name));
    TRY_VOID(inserted.step());
    id = inserted.integer(0);
    made_names_.push_back(key);
  }
  names_.emplace(std::move(key), id);
  return id;
}

Result<Appended> SqliteWrites::append(store::Database& db, const AppendQuestion& question) {
  TRY(room, find_or_make(db, question.room.view()));
  TRY(name, name_id(db, question.from));
  const Offset offset = room->last + 1;
  const auto key = question.key.empty() ? std::nullopt : std::optional<std::string_view>(question.key);
  TRY(inserted, db.change("INSERT INTO messages (room_id, offset, author, name_id, text, time_ms, key) VALUES (?, ?, ?, ?, ?, ?, ?)"
                          " ON CONFLICT (room_id, author, key) WHERE key IS NOT NULL DO NOTHING",
                          room->id, offset, question.from.id, name, question.text, question.time, key));
  if (inserted == 0) return first_of_key(db, room->id, question);
  room->last = offset;
  room->active = question.time;
  if (!room->dirty) {
    room->dirty = true;
    dirty_.push_back(question.room.str());
  }
  ++appended_;
  return Appended{.offset = offset, .time = question.time};
}

// The text of a message that was erased is not known any more: its key is taken for a repetition.
Result<Appended> SqliteWrites::first_of_key(store::Database& db, std::int64_t room, const AppendQuestion& question) {
  TRY(rows, db.query("SELECT offset, time_ms, text, erased FROM messages WHERE room_id = ? AND author = ? AND key = ?", room, question.from.id, question.key));
  TRY(there, rows.step());
  if (!there) return refuse(Cause::STORE_FAILED, "a key that is taken has no message");
  if (rows.integer(3) == 0 && rows.view(2) != question.text) return refuse_field(Cause::KEY_REUSED, "key");
  return Appended{.offset = rows.count(0), .time = rows.time(1), .duplicate = true};
}

Result<Offset> SqliteWrites::erase(store::Database& db, const RoomName& name, Offset offset, const UserId& by, bool any) {
  TRY(room, find(db, name.view()));
  if (room == nullptr) return refuse_field(Cause::NOT_FOUND, "offset");
  {
    TRY(rows, db.query("SELECT author FROM messages WHERE room_id = ? AND offset = ?", room->id, offset));
    TRY(there, rows.step());
    if (!there) return refuse_field(Cause::NOT_FOUND, "offset");
    if (!any && rows.view(0) != by.view()) return refuse(Cause::PERMISSION_DENIED, "the message is another user's");
  }
  TRY_VOID(db.change("UPDATE messages SET text = '', erased = 1 WHERE room_id = ? AND offset = ?", room->id, offset));
  return offset;
}

Result<bool> SqliteWrites::detach_author(store::Database& db, const UserId& user) {
  TRY(renamed, db.change("UPDATE names SET name = ? WHERE user = ?", kDetachedName, user));
  std::vector<std::pair<std::int64_t, std::string>> rooms;
  {
    TRY(rows, db.query("SELECT r.id, r.name FROM members m JOIN rooms r ON r.id = m.room_id WHERE m.user = ? AND r.name IS NOT NULL", user));
    for (;;) {
      TRY(more, rows.step());
      if (!more) break;
      rooms.emplace_back(rows.integer(0), rows.text(1));
    }
  }
  TRY_VOID(db.change("DELETE FROM members WHERE user = ?", user));
  std::vector<std::string> gone;
  for (const auto& [id, name] : rooms) {
    TRY(emptied, db.change("UPDATE rooms SET name = NULL, pair = NULL WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM members WHERE room_id = ?1)", id));
    if (emptied == 1) gone.push_back(name);
  }
  const std::string own = "user:" + user.str();
  TRY(had_own, db.change("UPDATE rooms SET name = NULL WHERE name = ?", own));
  // Nothing refuses from here on: the memory may follow.
  for (const std::string& name : gone) rooms_.erase(name);
  rooms_.erase(own);
  names_.clear();
  return renamed > 0 || !rooms.empty() || had_own > 0;
}

Result<void> SqliteWrites::flush(store::Database& db) {
  for (const std::string& name : dirty_) {
    const auto found = rooms_.find(name);
    if (found == rooms_.end() || !found->second.dirty) continue;
    Room& room = found->second;
    TRY_VOID(db.change("UPDATE rooms SET last_offset = ?, active_ms = ? WHERE id = ?", room.last, room.active, room.id));
    room.dirty = false;
  }
  dirty_.clear();
  if (rooms_.size() > kRemembered) rooms_.clear();
  if (names_.size() > kRemembered) names_.clear();
  return {};
}

void SqliteWrites::forget() {
  rooms_.clear();
  names_.clear();
  dirty_.clear();
}

void SqliteWrites::forget_made() {
  for (const std::string& room : made_rooms_) rooms_.erase(room);
  for (const std::string& name : made_names_) names_.erase(name);
}

} // namespace foyer::rooms

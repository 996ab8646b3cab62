#include "engine/sql/writes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"
#include "engine/sql/call_rows.h"
#include "engine/sql/hook_data.h"
#include "engine/sql/many_rows.h"

namespace foyer::engine {
namespace {

constexpr int kRoomTries = 5;               // to find or create a room that others create and remove
constexpr std::size_t kRemembered = 50'000; // rooms, names, and authors of rooms

bool has_members(RoomKind kind) { return kind == RoomKind::private_ || kind == RoomKind::direct; }

const std::vector<ManyRows>& message_insertions() {
  static const auto all = prepared_numbers([](std::size_t rows) {
    return "INSERT INTO messages (room_id, \"offset\", author, name_id, text, time_ms, key, type) VALUES " +
        repeated("(?, ?, ?, ?, ?, ?, ?, ?)", rows) +
        " ON CONFLICT (room_id, author, key) WHERE key IS NOT NULL DO NOTHING";
  });
  return all;
}

const std::vector<ManyRows>& room_updates() {
  static const auto all = prepared_numbers([](std::size_t rows) {
    if (rows == 1) return std::string("UPDATE rooms SET last_offset = ?2, active_ms = ?3 WHERE id = ?1");
    return "UPDATE rooms SET last_offset = v.column2, active_ms = v.column3 FROM (VALUES " +
        repeated("(CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT))", rows) +
        ") AS v WHERE rooms.id = v.column1";
  });
  return all;
}

std::unexpected<Refusal> contended() {
  return refuse(Cause::STORE_LOCKED, "others create and remove this room at the same time");
}

std::optional<std::string_view> key_of(const AppendRequest& question) {
  return question.key.empty() ? std::nullopt : std::optional<std::string_view>(question.key);
}

} // namespace

Result<std::vector<UserId>> members_of(store::Database& db, std::int64_t room_id) {
  std::vector<UserId> members;
  TRY(rows, db.query("SELECT \"user\" FROM members WHERE room_id = ? ORDER BY \"user\"", room_id));
  for (;;) {
    TRY(more, rows.step());
    if (!more) return members;
    members.emplace_back(rows.view(0));
  }
}

// --- rooms ---

Result<Writes::Room*> Writes::find_or_make(store::Database& db, std::string_view name, const UserId& by) {
  for (int tries = 0; tries < kRoomTries; ++tries) {
    TRY(found, find(db, name));
    if (found != nullptr) return found;
    TRY(kind, kind_of(name));
    if (has_members(kind)) return refuse(Cause::NOT_A_MEMBER);
    const bool counts = kind != RoomKind::own && !by.empty();
    if (counts) TRY_VOID(may_make(db, kind, by));
    TRY(made, make(db, name, kind, std::nullopt, counts ? std::optional(by.view()) : std::nullopt));
    if (made != nullptr) return made;
  }
  return contended();
}

Result<void> Writes::may_make(store::Database& db, RoomKind kind, const UserId& by) {
  const RoomsPerUser& limits = limits_.rooms_per_user;
  const std::uint32_t limit = kind == RoomKind::public_ ? limits.public_rooms
      : kind == RoomKind::direct                        ? limits.direct_rooms
                                                        : limits.private_rooms;
  const std::string_view option = kind == RoomKind::public_ ? "public_rooms_per_user"
      : kind == RoomKind::direct                            ? "direct_rooms_per_user"
                                                            : "rooms_per_user";
  TRY(rows, db.query("SELECT count(*) FROM rooms WHERE creator = ? AND kind = ? AND name IS NOT NULL", by, kind));
  TRY_VOID(rows.step());
  if (rows.count(0) >= limit) return refuse(Cause::ROOM_LIMIT, fmt::format("{}={}", option, limit));
  return {};
}

Result<Writes::Room*> Writes::make(store::Database& db, std::string_view name, RoomKind kind,
    std::optional<std::string_view> pair, std::optional<std::string_view> creator) {
  Room room{
      .kind = kind, .epoch = entropy_.short_id(), .active = clock_.wall(), .creator = UserId(creator.value_or(""))};
  {
    TRY(rows,
        db.query("INSERT INTO rooms (name, kind, pair, creator, epoch, last_offset, active_ms) VALUES (?, ?, ?, ?, ?, "
                 "0, ?) ON CONFLICT DO NOTHING RETURNING id",
            name, kind, pair, creator, room.epoch, room.active));
    TRY(made, rows.step());
    if (!made) return nullptr;
    room.id = rows.integer(0);
  }
  made_rooms_.emplace_back(name);
  report_room(HookType::room_created, name, kind, creator.value_or(""));
  return &rooms_.emplace(std::string(name), std::move(room)).first->second;
}

Result<RoomRow> Writes::row(store::Database& db, std::string_view name, const Room& room) {
  RoomRow row{.room = RoomName(name),
      .kind = room.kind,
      .epoch = Epoch(room.epoch),
      .offset = room.last,
      .members = {},
      .change = room.change};
  if (room.kind == RoomKind::private_) row.creator = room.creator;
  if (room.kind != RoomKind::own) {
    TRY(members, members_of(db, room.id));
    row.members = std::move(members);
  }
  return row;
}

Result<RoomRow> Writes::open(store::Database& db, const RoomName& name, const UserId& by) {
  TRY(room, find_or_make(db, name.view(), by));
  TRY(opened, row(db, name.view(), *room));
  opened.made = !made_rooms_.empty();
  return opened;
}

Result<void> Writes::renew_if_behind(store::Database& db, Room& room, const Known& known) {
  if (room.epoch != known.epoch.view() || room.last >= known.offset) return {};
  std::string epoch = entropy_.short_id();
  TRY_VOID(db.change("UPDATE rooms SET epoch = ?, doubted = NULL WHERE id = ?", epoch, room.id));
  TRY_VOID(tell_others(db, room.id));
  room.epoch = std::move(epoch);
  return {};
}

Result<Offset> Writes::doubt(store::Database& db, const RoomName& name, const Epoch& epoch, Offset head) {
  TRY_VOID(find(db, name.view())); // locks it
  TRY_VOID(
      db.change("UPDATE rooms SET doubted = ? WHERE name = ? AND epoch = ? AND doubted IS NULL", head, name, epoch));
  TRY(rows, db.query("SELECT doubted FROM rooms WHERE name = ? AND epoch = ? AND doubted IS NOT NULL", name, epoch));
  TRY(there, rows.step());
  return there ? rows.count(0) : head;
}

Result<RoomRow> Writes::create(store::Database& db, const RoomName& name, const UserId& by) {
  TRY(kind, kind_of(name.view()));
  if (kind != RoomKind::private_)
    return refuse_field(Cause::ROOM_NAME_INVALID, "room", "only private rooms are created by name");
  TRY(found, find(db, name.view()));
  if (found != nullptr) return refuse(Cause::ROOM_EXISTS);
  TRY_VOID(may_make(db, kind, by));
  TRY(room, make(db, name.view(), kind, std::nullopt, by.view()));
  if (room == nullptr) return refuse(Cause::ROOM_EXISTS);
  TRY_VOID(put_member(db, room->id, by));
  report_member(HookType::member_added, name.view(), by);
  return row(db, name.view(), *room);
}

// --- messages ---

Result<std::int64_t> Writes::name_id(store::Database& db, const Author& author) {
  std::string key = author.id.str() + '\0' + author.name;
  if (const auto found = names_.find(key); found != names_.end()) return found->second;
  TRY(rows, db.query("SELECT id FROM names WHERE \"user\" = ? AND name = ? LIMIT 1", author.id, author.name));
  TRY(there, rows.step());
  std::int64_t id = 0;
  if (there) {
    id = rows.integer(0);
  } else {
    TRY(made, db.query("INSERT INTO names (\"user\", name) VALUES (?, ?) RETURNING id", author.id, author.name));
    TRY_VOID(made.step());
    id = made.integer(0);
    made_names_.push_back(key);
  }
  names_.emplace(std::move(key), id);
  return id;
}

Result<std::size_t> Writes::append(store::Database& db, const AppendRequest& question) {
  if (std::exchange(flushed_, false)) answers_.clear();
  forget_no_more();
  const std::size_t reported = events_.mark();
  const auto prepared = [&]() -> Result<Waiting> {
    TRY(room, find_or_make(db, question.room.view(), question.from.id));
    TRY(name, name_id(db, question.from));
    TRY_VOID(put_author(db, room->id, question.from.id));
    TRY_VOID(renew_if_behind(db, *room, question.known));
    return Waiting{
        .question = &question, .room = room, .name = name, .room_last = room->last, .place = answers_.size()};
  }();
  if (!prepared) {
    forget_made();
    events_.back_to(reported);
    return std::unexpected(prepared.error());
  }
  waiting_.push_back(*prepared);
  answers_.emplace_back(refuse(Cause::INTERNAL_ERROR, "a message was not stored")); // until it is
  return prepared->place;
}

Result<void> Writes::store_waiting(store::Database& db) {
  if (waiting_.empty()) return {};
  TRY(all_new, store_all_new(db));
  if (!all_new) {
    for (const Waiting& one : waiting_) {
      auto answer = store_one(db, one);
      if (!answer && answer.error().cause != Cause::KEY_REUSED) return std::unexpected(std::move(answer).error());
      answers_[one.place] = std::move(answer);
    }
  }
  report_published();
  waiting_.clear();
  return {};
}

Result<bool> Writes::store_all_new(store::Database& db) {
  const bool may_repeat = std::ranges::any_of(
      waiting_, [](const Waiting& one) { return !one.question->key.empty() || one.question->record != nullptr; });
  if (may_repeat) TRY_VOID(db.save());
  TRY(all_new, many_ ? insert_and_move(db) : insert_messages(db));
  if (all_new && may_repeat) {
    TRY(records_new, insert_records(db));
    all_new = records_new;
  }
  // The row of a repeated key is missing, and the messages after it have a wrong offset.
  if (!all_new) TRY_VOID(db.roll_back_to_save());
  if (may_repeat) TRY_VOID(db.drop_save());
  for (const Waiting& one : waiting_) {
    if (!all_new)
      one.room->last = one.room_last;
    else if (many_) // its row has moved already
      one.room->active = one.question->time, ++appended_;
    else
      stored(*one.room, *one.question, one.room->last);
  }
  return all_new;
}

Result<bool> Writes::insert_messages(store::Database& db) {
  std::size_t rows_stored = 0;
  auto next = waiting_.cbegin();
  while (next != waiting_.cend()) {
    const auto& insert = largest(message_insertions(), static_cast<std::size_t>(waiting_.cend() - next));
    TRY(statement, db.prepare(insert.sql));
    int index = 1;
    for (std::size_t i = 0; i < insert.rows; ++i, ++next, index += 8) {
      const AppendRequest& q = *next->question;
      const Offset offset = ++next->room->last;
      statement.bind_from(index, next->room->id, offset, q.from.id, next->name, q.text, q.time, key_of(q), q.type);
      answers_[next->place] = Appended{.epoch = Epoch(next->room->epoch), .offset = offset, .time = q.time};
    }
    TRY_VOID(statement.run());
    rows_stored += static_cast<std::size_t>(db.changes());
  }
  return rows_stored == waiting_.size();
}

Result<bool> Writes::insert_records(store::Database& db) {
  std::vector<NewCall> calls;
  for (const Waiting& one : waiting_)
    if (const auto& record = one.question->record)
      calls.push_back(
          {.record = record.get(), .answer = record->answer(*answers_[one.place]), .at = one.question->time});
  TRY(all_new, calls_ == nullptr ? insert_calls(db, calls) : calls_->insert(db, calls));
  if (!all_new) return false;
  for (const NewCall& call : calls) call.record->note_stored();
  recorded_ += calls.size();
  return true;
}

Result<Appended> Writes::store_one(store::Database& db, const Waiting& waiting) {
  const AppendRequest& q = *waiting.question;
  if (!q.record) return store_message(db, waiting);
  const CallKey& key = q.record->key;
  TRY(known, calls_ == nullptr ? claim_call(db, key, q.record->body_hash, q.time) : calls_->find(db, key, q.time));
  if (known) {
    q.record->note_earlier(std::move(*known));
    return refuse_field(Cause::KEY_REUSED, "idempotency_key");
  }
  auto appended = store_message(db, waiting);
  if (!appended) {
    if (calls_ == nullptr) TRY_VOID(forget_call(db, key));
    return appended;
  }
  const NewCall call{.record = q.record.get(), .answer = q.record->answer(*appended), .at = q.time};
  if (calls_ != nullptr) {
    TRY_VOID(calls_->append(db, {&call, 1}));
  } else {
    TRY_VOID(finish_call(db, key, q.record->body_hash, call.answer, q.time));
  }
  q.record->note_stored();
  ++recorded_;
  return appended;
}

Result<Appended> Writes::store_message(store::Database& db, const Waiting& waiting) {
  const AppendRequest& q = *waiting.question;
  const Offset offset = waiting.room->last + 1;
  TRY(inserted,
      db.change(message_insertions().back().sql, waiting.room->id, offset, q.from.id, waiting.name, q.text, q.time,
          key_of(q), q.type));
  if (inserted == 0) return first_of_key(db, *waiting.room, q);
  stored(*waiting.room, q, offset);
  return Appended{.epoch = Epoch(waiting.room->epoch), .offset = offset, .time = q.time};
}

void Writes::stored(Room& room, const AppendRequest& question, Offset offset) {
  room.last = offset;
  room.active = question.time;
  if (!std::exchange(room.dirty, true)) dirty_.push_back(question.room.str());
  ++appended_;
}

// A refused job was undone, including rows that it had stored for others.
void Writes::report_published() {
  if (!events_.wants(HookType::message_published)) return;
  for (const Waiting& one : waiting_) {
    const Result<Appended>& stored = answers_[one.place];
    if (!stored || stored->duplicate) continue;
    events_.note({.type = HookType::message_published,
        .room = one.question->room.view(),
        .at = stored->time,
        .data = published_data(*one.question, stored->epoch.view(), stored->offset),
        .message = stored->offset});
  }
}

void Writes::report_member(HookType type, std::string_view room, const UserId& user) {
  if (events_.wants(type)) events_.note({.type = type, .room = room, .data = member_data(room, user)});
}

void Writes::report_room(HookType type, std::string_view room, RoomKind kind, std::string_view user) {
  if (events_.wants(type)) events_.note({.type = type, .room = room, .data = room_data(room, kind, user)});
}

void Writes::wait_again(const std::vector<Waiting>& earlier) {
  for (const Waiting& one : earlier) one.room->last = one.room_last;
  waiting_ = earlier;
}

// The body of an erased message is unknown: its key counts as a repetition.
Result<Appended> Writes::first_of_key(store::Database& db, const Room& room, const AppendRequest& question) {
  TRY(rows,
      db.query(
          "SELECT \"offset\", time_ms, text, erased, type FROM messages WHERE room_id = ? AND author = ? AND key = ?",
          room.id, question.from.id, question.key));
  TRY(there, rows.step());
  if (!there) return refuse(Cause::STORE_FAILED, "a key that is taken has no message");
  const bool same = rows.view(2) == question.text && static_cast<BodyType>(rows.integer(4)) == question.type;
  if (rows.integer(3) == 0 && !same) return refuse_field(Cause::KEY_REUSED, "key");
  return Appended{.epoch = Epoch(room.epoch), .offset = rows.count(0), .time = rows.time(1), .duplicate = true};
}

Result<void> Writes::flush(store::Database& db) {
  flushed_ = true;
  TRY_VOID(store_waiting(db));
  std::vector<Room*> rooms;
  for (const std::string& name : dirty_) {
    const auto found = rooms_.find(name);
    if (found != rooms_.end() && std::exchange(found->second.dirty, false)) rooms.push_back(&found->second);
  }
  dirty_.clear();
  if (many_) {
    TRY_VOID(store_moved(db, rooms));
    rooms.clear();
  }
  for (auto next = rooms.cbegin(); next != rooms.cend();) {
    const auto& update = largest(room_updates(), static_cast<std::size_t>(rooms.cend() - next));
    TRY(statement, db.prepare(update.sql));
    int index = 1;
    for (std::size_t i = 0; i < update.rows; ++i, ++next, index += 3)
      statement.bind_from(index, (*next)->id, (*next)->last, (*next)->active);
    TRY_VOID(statement.run());
  }
  TRY_VOID(events_.flush(db));
  if (rooms_.size() > kRemembered) rooms_.clear();
  if (names_.size() > kRemembered) names_.clear();
  if (authors_.size() > kRemembered) authors_.clear();
  return {};
}

void Writes::forget() {
  rooms_.clear();
  names_.clear();
  authors_.clear();
  dirty_.clear();
  waiting_.clear();
  events_.forget();
  if (calls_ != nullptr) calls_->forget();
  flushed_ = true;
}

void Writes::forget_no_more() {
  made_rooms_.clear();
  found_rooms_.clear();
  made_names_.clear();
  made_authors_.clear();
}

void Writes::forget_made() {
  for (const std::string& room : made_rooms_) rooms_.erase(room);
  for (const std::string& room : found_rooms_) rooms_.erase(room);
  for (const std::string& name : made_names_) names_.erase(name);
  for (const std::string& author : made_authors_) authors_.erase(author);
}

} // namespace foyer::engine

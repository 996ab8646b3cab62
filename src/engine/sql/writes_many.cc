// How one of several gateways stores messages: all of a batch in one statement, which also moves their rooms and tells
// the other gateways. The rows of the rooms are locked already (writes_rooms.cc).
#include <string>

#include "engine/sql/writes.h"
#include "store/postgres_array.h"

namespace foyer::engine {
namespace {

constexpr std::string_view kStore =
    "WITH stored AS (INSERT INTO messages (room_id, \"offset\", author, name_id, text, time_ms, key, type) SELECT "
    "room, "
    "number, author, name, text, time, NULLIF(key, ''), type FROM unnest(CAST(? AS BIGINT[]), CAST(? AS BIGINT[]), "
    "CAST(? AS TEXT[]), CAST(? AS BIGINT[]), CAST(? AS TEXT[]), CAST(? AS BIGINT[]), CAST(? AS TEXT[]), CAST(? AS "
    "BIGINT[])) AS v (room, number, author, name, text, time, key, type) ON CONFLICT (room_id, author, key) WHERE key "
    "IS "
    "NOT NULL DO NOTHING RETURNING room_id, \"offset\", time_ms), moved AS (UPDATE rooms SET last_offset = s.last, "
    "active_ms = s.active FROM (SELECT room_id, max(\"offset\") AS last, max(time_ms) AS active FROM stored GROUP BY "
    "room_id) s WHERE rooms.id = s.room_id RETURNING rooms.id, rooms.last_offset), told AS (INSERT INTO changed "
    "(room_id, head) SELECT id, last_offset FROM moved RETURNING room_id) SELECT (SELECT count(*) FROM stored), "
    "(SELECT "
    "count(*) FROM told)";

} // namespace

Result<bool> Writes::insert_and_move(store::Database& db) {
  store::NumberArray rooms, offsets, names, times, types;
  std::vector<std::string_view> authors, texts, keys;
  std::unordered_set<const Room*> moved;
  for (const Waiting& one : waiting_) {
    const AppendRequest& q = *one.question;
    const Offset offset = ++one.room->last;
    rooms.add(one.room->id);
    offsets.add(offset);
    authors.push_back(q.from.id.view());
    names.add(one.name);
    texts.push_back(q.text);
    times.add(unix_millis(q.time));
    keys.push_back(q.key);
    types.add(static_cast<std::int64_t>(q.type));
    moved.insert(one.room);
    answers_[one.place] = Appended{.epoch = Epoch(one.room->epoch), .offset = offset, .time = q.time};
  }
  TRY(rows,
      db.query(kStore, rooms.text(), offsets.text(), store::array_of(authors), names.text(), store::array_of(texts),
          times.text(), store::array_of(keys), types.text()));
  TRY_VOID(rows.step());
  if (static_cast<std::size_t>(rows.integer(0)) < waiting_.size()) return false; // a repetition
  if (static_cast<std::size_t>(rows.integer(1)) == moved.size()) return true;
  return refuse(Cause::STORE_FAILED, "the row of a room disappeared while it was locked");
}

} // namespace foyer::engine

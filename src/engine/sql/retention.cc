#include "engine/sql/retention.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "engine/sql/call_rows.h"
#include "engine/sql/ending_rows.h"
#include "engine/values.h"

namespace foyer::engine {
namespace {

constexpr std::int64_t kSweepRows = 200;
constexpr std::int64_t kSweepRooms = 64;
constexpr std::string_view kGone = "SELECT id FROM rooms WHERE name IS NULL LIMIT 1";
constexpr std::string_view kGoneAndLock =
    "SELECT id FROM rooms WHERE name IS NULL LIMIT 1 FOR UPDATE SKIP LOCKED"; // of several that sweep

} // namespace

WallTime Retention::oldest(WallTime now) const {
  return days == 0 ? WallTime{Millis{std::numeric_limits<std::int64_t>::min()}} : now - std::chrono::days{days};
}

Offset Retention::below(Offset last) const { return !messages || last <= *messages ? 0 : last - *messages; }

RetentionRules::RetentionRules(const StorePolicy& policy) : of_all_{.days = policy.history_days}, rules_(policy.rules) {
  if (policy.history_messages > 0) of_all_.messages = policy.history_messages;
}

Retention RetentionRules::of(std::string_view room) const {
  const rooms::RoomRule* rule = rules_.rule_of(room);
  if (rule == nullptr) return of_all_;
  Retention out = of_all_;
  if (rule->history_days) out.days = *rule->history_days;
  if (rule->history_messages) out.messages = *rule->history_messages;
  return out;
}

bool RetentionRules::none() const {
  return of_all_.none() && std::ranges::none_of(rules_.all(), [](const rooms::RoomRule& rule) {
    return rule.history_messages || rule.history_days.value_or(0) > 0;
  });
}

Result<bool> Sweep::step(store::Database& db, bool by_age) {
  TRY(gone, sweep_gone(db));
  if (gone > 0) return true;
  if (message_calls_ != nullptr) {
    TRY(surplus_of_messages, message_calls_->sweep_surplus(db, kMostCalls, kSweepRows));
    if (surplus_of_messages > 0) return true;
  }
  TRY(surplus, sweep_surplus_calls(db, kMostCalls, kSweepRows));
  if (surplus > 0) return true;
  if (!by_age) return false;
  TRY(ended, sweep_ended(db));
  if (ended > 0) return true;
  TRY(calls, sweep_calls(db));
  if (calls > 0) return true;
  if (retention_.none()) return false;

  struct Place {
    std::int64_t id;
    Offset last;
    Retention retention;
  };
  std::vector<Place> rooms;
  {
    TRY(rows,
        db.query("SELECT id, last_offset, name FROM rooms WHERE id > ? ORDER BY id LIMIT ?", after_, kSweepRooms));
    for (;;) {
      TRY(more, rows.step());
      if (!more) break;
      rooms.push_back({rows.integer(0), rows.count(1), retention_.of(rows.view(2))});
    }
  }
  for (const auto& [room, last, retention] : rooms) {
    std::int64_t swept = 0;
    if (!retention.none()) {
      TRY(rows, sweep_room(db, room, last, retention));
      swept = rows;
    }
    if (swept == kSweepRows) return true; // the same room again
    after_ = room;
    if (swept > 0) return true;
  }
  if (rooms.size() == static_cast<std::size_t>(kSweepRooms)) return true;
  after_ = 0;
  return false;
}

Result<std::int64_t> Sweep::sweep_gone(store::Database& db) {
  std::int64_t room = 0;
  {
    TRY(rows, db.query(many_ ? kGoneAndLock : kGone));
    TRY(there, rows.step());
    if (!there) return 0;
    room = rows.integer(0);
  }
  TRY(messages,
      db.change("DELETE FROM messages WHERE room_id = ?1 AND \"offset\" IN (SELECT \"offset\" FROM messages WHERE "
                "room_id = ?1 ORDER BY \"offset\" LIMIT ?2)",
          room, kSweepRows));
  if (messages == kSweepRows) return messages;
  TRY_VOID(db.change("DELETE FROM members WHERE room_id = ?", room));
  TRY_VOID(db.change("DELETE FROM changes WHERE room_id = ?", room));
  TRY_VOID(db.change("DELETE FROM authors WHERE room_id = ?", room));
  TRY_VOID(db.change("DELETE FROM room_invitations WHERE room_id = ?", room));
  TRY_VOID(db.change("DELETE FROM rooms WHERE id = ?", room));
  return messages + 1;
}

// Revocations that concern no token any more, and blocks that ended.
Result<std::int64_t> Sweep::sweep_ended(store::Database& db) {
  const WallTime now = clock_.wall();
  TRY(some, has_old_endings(db, now));
  if (!some) return 0;
  gate_.deleting({{"store", "chat"}, {"now", rfc3339(now)}, {"what", "blocks and revocations that ended"}});
  TRY(swept, sweep_endings(db, now, kSweepRows));
  gate_.deleted(swept);
  return swept;
}

Result<std::int64_t> Sweep::sweep_calls(store::Database& db) {
  const WallTime now = clock_.wall();
  TRY(swept, sweep_old_calls(db, now, kSweepRows));
  if (message_calls_ != nullptr) {
    TRY(of_messages, message_calls_->sweep_old(db, now, kSweepRows));
    swept += of_messages;
  }
  if (swept == 0) return 0;
  gate_.deleting({{"store", "chat"}, {"now", rfc3339(now)}, {"what", "calls with an idempotency key, after a day"}});
  gate_.deleted(swept);
  return swept;
}

Result<std::int64_t> Sweep::sweep_room(
    store::Database& db, std::int64_t room, Offset last, const Retention& retention) {
  const WallTime now = clock_.wall();
  const Offset below = retention.below(last);
  const WallTime oldest = retention.oldest(now);
  Offset up_to = 0;
  {
    TRY(rows,
        db.query("SELECT \"offset\", time_ms FROM messages WHERE room_id = ? ORDER BY \"offset\" LIMIT ?", room,
            kSweepRows));
    for (;;) {
      TRY(more, rows.step());
      if (!more) break;
      const bool hidden = rows.count(0) <= below || rows.time(1) < oldest;
      if (!hidden || rows.time(1) > now - kKeyLife) break;
      up_to = rows.count(0);
    }
  }
  if (up_to == 0) return 0;
  if (many_) { // no other writer looks for a key meanwhile, or sweeps
    TRY(locked, db.query("SELECT 1 FROM rooms WHERE id = ? FOR UPDATE", room));
    TRY_VOID(locked.run());
  }
  gate_.deleting({{"store", "chat"}, {"now", rfc3339(now)}, {"history_days", retention.days},
      {"history_messages", retention.messages.value_or(0)}});
  TRY(swept, db.change("DELETE FROM messages WHERE room_id = ? AND \"offset\" <= ?", room, up_to));
  gate_.deleted(swept);
  return swept;
}

} // namespace foyer::engine

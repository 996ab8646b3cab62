#include "engine/sql/reads.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/sql/writes.h"

namespace foyer::engine {
namespace {

constexpr std::int64_t kNoBound = std::numeric_limits<std::int64_t>::max();

RoomRow row_of(const store::Statement& rows) {
  return {.room = RoomName(rows.view(1)),
      .kind = static_cast<RoomKind>(rows.integer(2)),
      .epoch = Epoch(rows.view(3)),
      .offset = rows.count(4),
      .members = {}};
}

std::int64_t clamp(Offset offset) {
  return static_cast<std::int64_t>(std::min<Offset>(offset, static_cast<Offset>(kNoBound)));
}

std::unexpected<Refusal> behind(store::Database& db, std::uint64_t shown, std::uint64_t committed) {
  return refuse(Cause::DATABASE_UNREACHABLE,
      fmt::format("{}: this server shows barrier {} and {} was committed: it is not the one that is written", db.name(),
          shown, committed));
}

Result<void> add_rows(store::Statement& rows, std::vector<RoomRow>& list) {
  for (;;) {
    TRY(more, rows.step());
    if (!more) return {};
    list.push_back(row_of(rows));
  }
}

Result<void> must_be_member(store::Database& db, std::int64_t room, const UserId& user) {
  TRY(rows, db.query("SELECT 1 FROM members WHERE room_id = ? AND \"user\" = ?", room, user));
  TRY(there, rows.step());
  if (!there) return refuse(Cause::NOT_A_MEMBER);
  return {};
}

// The first part of RoomsRequest: up to `limit` rooms whose names come after `after`.
Result<std::vector<RoomRow>> read_rooms_close_to(
    store::Database& db, const RoomsRequest& question, std::string_view after, std::size_t limit) {
  std::vector<RoomRow> list;
  const auto add_named = [&](std::string_view name) -> Result<void> {
    if (name <= after) return {};
    TRY(rows, db.query("SELECT id, name, kind, epoch, last_offset FROM rooms WHERE name = ?", name));
    return add_rows(rows, list);
  };
  TRY_VOID(add_named("user:" + question.user.str()));
  for (const RoomName& room : question.joined) TRY_VOID(add_named(room.view()));
  {
    TRY(rows,
        db.query("SELECT r.id, r.name, r.kind, r.epoch, r.last_offset FROM members m JOIN rooms r ON r.id = m.room_id"
                 " WHERE m.\"user\" = ? AND r.name > ? AND r.kind <> 0 ORDER BY r.name LIMIT ?",
            question.user, after, limit));
    TRY_VOID(add_rows(rows, list));
  }
  std::ranges::sort(list, {}, &RoomRow::room);
  if (list.size() > limit) list.resize(limit);
  return list;
}

} // namespace

Result<std::optional<RoomRow>> read_room(
    store::Database& db, const RoomName& room, const UserId& by, std::uint64_t barrier) {
  TRY(rows,
      db.query(
          "SELECT r.id, r.name, r.kind, r.epoch, r.last_offset, r.doubted, m.time_ms, (SELECT CAST(value AS BIGINT) "
          "FROM facts WHERE name = 'barrier'), r.last_change, r.creator"
          " FROM rooms r LEFT JOIN messages m ON m.room_id = r.id AND m.\"offset\" = r.last_offset WHERE r.name = ?",
          room));
  TRY(there, rows.step());
  if (!there) {
    TRY(facts, db.query("SELECT CAST(value AS BIGINT) FROM facts WHERE name = 'barrier'"));
    TRY(known, facts.step());
    const std::uint64_t shown = known ? facts.count(0) : 0;
    if (shown < barrier) return behind(db, shown, barrier);
    return std::nullopt;
  }
  if (rows.count(7) < barrier) return behind(db, rows.count(7), barrier);
  RoomRow row = row_of(rows);
  row.change = rows.count(8);
  if (!rows.is_null(5)) row.doubted = rows.count(5);
  if (!rows.is_null(6)) row.time = rows.time(6);
  if (row.kind == RoomKind::private_) row.creator = UserId(rows.view(9));
  const bool closed = row.kind == RoomKind::private_ || row.kind == RoomKind::direct;
  if (closed && !by.empty()) TRY_VOID(must_be_member(db, rows.integer(0), by));
  if (row.kind != RoomKind::own) {
    TRY(members, members_of(db, rows.integer(0)));
    row.members = std::move(members);
  }
  return row;
}

namespace {

Result<void> read_changes(store::Database& db, std::int64_t room, Offset after, HistoryPage& page) {
  {
    TRY(rows, db.query("SELECT last_change FROM rooms WHERE id = ?", room));
    TRY(there, rows.step());
    page.change = there ? rows.count(0) : 0;
  }
  if (after >= page.change || page.change - after > kRecoverableChanges) {
    page.changes_whole = after == page.change;
    return {};
  }
  TRY(rows,
      db.query("SELECT change, kind, \"offset\", body FROM changes WHERE room_id = ? AND change > ? AND change <= ? "
               "ORDER BY change",
          room, clamp(after), page.change));
  for (;;) {
    TRY(there, rows.step());
    if (!there) break;
    page.changes.push_back({.number = rows.count(0),
        .kind = static_cast<ChangeKind>(rows.integer(1)),
        .offset = rows.count(2),
        .user = UserId(rows.view(3))});
  }
  page.changes_whole = page.changes.size() == page.change - after;
  return {};
}

Result<void> read_messages(store::Statement& rows, std::uint32_t limit, std::size_t most_bytes, HistoryPage& page) {
  std::size_t bytes = 0;
  for (;;) {
    TRY(there, rows.step());
    if (!there) return {};
    if (page.messages.size() == limit || bytes >= most_bytes) {
      page.more = true;
      return {};
    }
    page.messages.push_back({.offset = rows.count(0),
        .from = {UserId(rows.view(1)), rows.text(2)},
        .text = rows.text(3),
        .time = rows.time(4),
        .key = rows.text(5),
        .deleted = rows.integer(6) != 0,
        .type = static_cast<BodyType>(rows.integer(7))});
    bytes += page.messages.back().text.size();
  }
}

} // namespace

Result<HistoryPage> read_history(store::Database& db, const HistoryRequest& question, const RetentionRules& rules,
    WallTime now, std::uint64_t barrier) {
  std::int64_t room = 0;
  Offset low = 0; // exclusive
  HistoryPage page;
  const Retention retention = question.hidden_too ? Retention{} : rules.of(question.room.view());
  {
    TRY(rows,
        db.query("SELECT id, last_offset, epoch, (SELECT CAST(value AS BIGINT) FROM facts WHERE name = 'barrier') FROM "
                 "rooms WHERE name = ?",
            question.room));
    TRY(there, rows.step());
    if (!there) return page;
    if (rows.count(3) < barrier) return behind(db, rows.count(3), barrier);
    room = rows.integer(0);
    page.head = rows.count(1);
    page.epoch = Epoch(rows.view(2));
    low = retention.below(page.head);
  }
  if (question.time_of) {
    TRY(rows,
        db.query("SELECT time_ms FROM messages WHERE room_id = ? AND \"offset\" = ?", room, clamp(*question.time_of)));
    TRY(there, rows.step());
    if (there) page.time_of = rows.time(0);
  }
  if (question.after) low = std::max(low, *question.after);
  std::int64_t high = kNoBound; // exclusive
  if (question.before) high = std::min(high, clamp(*question.before));
  if (question.up_to && *question.up_to < static_cast<Offset>(kNoBound))
    high = std::min(high, clamp(*question.up_to + 1));

  constexpr std::string_view kUp =
      "SELECT m.\"offset\", m.author, n.name, m.text, m.time_ms, m.key, m.erased, m.type FROM messages m JOIN names n "
      "ON n.id "
      "= m.name_id"
      " WHERE m.room_id = ? AND m.\"offset\" > ? AND m.\"offset\" < ? AND m.time_ms >= ? ORDER BY m.\"offset\" LIMIT ?";
  constexpr std::string_view kDown =
      "SELECT m.\"offset\", m.author, n.name, m.text, m.time_ms, m.key, m.erased, m.type FROM messages m JOIN names n "
      "ON n.id "
      "= m.name_id"
      " WHERE m.room_id = ? AND m.\"offset\" > ? AND m.\"offset\" < ? AND m.time_ms >= ? ORDER BY m.\"offset\" DESC "
      "LIMIT ?";
  const std::uint32_t limit = std::min(question.limit, kHistoryLimit);
  {
    TRY(rows, db.query(question.after ? kUp : kDown, room, clamp(low), high, retention.oldest(now), limit + 1));
    TRY_VOID(read_messages(rows, limit, question.bytes, page));
  }
  if (!question.after) std::ranges::reverse(page.messages);
  if (question.changes_after) TRY_VOID(read_changes(db, room, *question.changes_after, page));
  return page;
}

namespace {

constexpr std::size_t kPublicRooms = 64; // read at once, at least

struct PublicRoom {
  RoomRow row;
  bool member = false;
};

Result<std::vector<PublicRoom>> public_rooms_in(store::Statement rows, bool all_member) {
  std::vector<PublicRoom> list;
  for (;;) {
    TRY(there, rows.step());
    if (!there) return list;
    list.push_back({row_of(rows), all_member || rows.integer(5) > 0});
  }
}

Result<std::vector<PublicRoom>> read_public_rooms(
    store::Database& db, const UserId& user, const std::string& after, std::size_t limit) {
  TRY(rows,
      db.query(
          "SELECT id, name, kind, epoch, last_offset, (SELECT count(*) FROM members m WHERE m.room_id = rooms.id AND "
          "m.\"user\" = ?) FROM rooms WHERE kind = 0 AND name > ? ORDER BY name LIMIT ?",
          user, after, limit));
  return public_rooms_in(std::move(rows), false);
}

// Those that the user is a member of, between two names.
Result<std::vector<PublicRoom>> read_own_public_rooms(
    store::Database& db, const UserId& user, const std::string& after, const std::string& before, std::size_t limit) {
  TRY(rows,
      db.query("SELECT r.id, r.name, r.kind, r.epoch, r.last_offset FROM members m JOIN rooms r ON r.id = m.room_id"
               " WHERE m.\"user\" = ? AND r.name > ? AND r.name < ? AND r.kind = 0 ORDER BY r.name LIMIT ?",
          user, after, before, limit));
  return public_rooms_in(std::move(rows), true);
}

bool closes(const rooms::RoomRule& rule) { return rule.join && *rule.join != rooms::JoinBy::anyone; }

// The end of the names around this one that are all closed to those who are no members, if a rule like orders-* says
// so: there may be a great many of them, of which nobody is to read each.
std::optional<std::string> closed_until(const RoomRules& rules, std::string_view room) {
  const rooms::RoomRule* rule = rules.rule_of(room);
  if (rule == nullptr || !closes(*rule)) return std::nullopt;
  const std::string_view match = rule->match;
  const auto stem = match.substr(0, match.find('*'));
  if (stem.size() + 1 != match.size()) return std::nullopt; // a star elsewhere, or none
  for (const rooms::RoomRule* earlier = rules.all().data(); earlier != rule; ++earlier) {
    if (closes(*earlier) || rooms::reserved_prefix(earlier->match)) continue;
    const auto literal = std::string_view(earlier->match).substr(0, earlier->match.find('*'));
    if (literal.starts_with(stem) || stem.starts_with(literal)) return std::nullopt;
  }
  return std::string(stem) + "~"; // behind all that a public room's name may have
}

} // namespace

Result<RoomsPage> read_rooms_of(store::Database& db, const RoomsRequest& question, const RoomRules& rules) {
  const auto is_joined = [&](const RoomName& room) {
    return std::ranges::find(question.joined, room) != question.joined.end();
  };
  const std::size_t wanted = std::size_t{question.limit} + 1; // one more, to detect further messages
  const std::string_view after = question.after ? question.after->view() : std::string_view();
  const auto kind = question.after ? kind_of(after) : Result<RoomKind>(RoomKind::own);
  const bool in_first_part = !kind || *kind != RoomKind::public_ || is_joined(*question.after);
  RoomsPage page;
  if (in_first_part) {
    TRY(close, read_rooms_close_to(db, question, after, wanted));
    page.rooms = std::move(close);
  }
  if (page.rooms.size() < wanted) {
    // Skips those of `joined`, which were in the first part, and those that are not open to the user.
    const auto add_open = [&](std::vector<PublicRoom>&& found) {
      for (auto& [row, member] : found) {
        const rooms::JoinBy join = rules.of(row.room.view()).join;
        const bool open = join == rooms::JoinBy::anyone || (join == rooms::JoinBy::members && member);
        if (open && page.rooms.size() < wanted && !is_joined(row.room)) page.rooms.push_back(std::move(row));
      }
    };
    std::string from(in_first_part ? std::string_view() : after);
    for (bool more = true; more && page.rooms.size() < wanted;) {
      const std::size_t limit = std::max(wanted - page.rooms.size() + question.joined.size(), kPublicRooms);
      TRY(others, read_public_rooms(db, question.user, from, limit));
      more = others.size() == limit;
      if (more) from = others.back().row.room.str();
      add_open(std::move(others));
      if (const auto end = more ? closed_until(rules, from) : std::nullopt) {
        TRY(own, read_own_public_rooms(db, question.user, from, *end, limit));
        from = own.size() == limit ? own.back().row.room.str() : *end;
        add_open(std::move(own));
      }
    }
  }
  page.more = page.rooms.size() == wanted;
  if (page.more) page.rooms.pop_back();
  return page;
}

// --- people ---

Result<RoomNames> read_written_by(store::Database& db, const UserId& user, const RoomName& after, std::uint32_t limit) {
  RoomNames page;
  TRY(rows,
      db.query(
          "SELECT r.name FROM authors a JOIN rooms r ON r.id = a.room_id WHERE a.author = ? AND r.name > ? ORDER BY "
          "r.name LIMIT ?",
          user, after, std::int64_t{limit} + 1));
  for (;;) {
    TRY(there, rows.step());
    if (!there) break;
    page.rooms.emplace_back(rows.text(0));
  }
  page.more = page.rooms.size() > limit;
  if (page.more) page.rooms.pop_back();
  return page;
}

Result<RoomsPage> read_all_rooms(store::Database& db, const RoomName& after, std::uint32_t limit) {
  RoomsPage page;
  TRY(rows,
      db.query("SELECT id, name, kind, epoch, last_offset FROM rooms WHERE name > ? ORDER BY name LIMIT ?", after,
          std::int64_t{limit} + 1));
  TRY_VOID(add_rows(rows, page.rooms));
  page.more = page.rooms.size() > limit;
  if (page.more) page.rooms.pop_back();
  return page;
}

Result<InvitationPage> read_invitations(store::Database& db, const UserId& user, WallTime now) {
  TRY(rows,
      db.query(
          "SELECT r.name, i.sender, i.sender_name, i.sent_ms FROM room_invitations i JOIN rooms r ON r.id = i.room_id"
          " WHERE i.\"user\" = ? AND i.sent_ms >= ? AND i.declined = 0 AND r.name IS NOT NULL ORDER BY i.sent_ms DESC, "
          "r.id DESC LIMIT ?",
          user, now - kInvitationLife, kInvitationsShown + 1));
  InvitationPage page;
  for (;;) {
    TRY(there, rows.step());
    if (!there) return page;
    if (page.invitations.size() == kInvitationsShown) {
      page.more = true;
      return page;
    }
    page.invitations.push_back({.room = RoomName(rows.view(0)),
        .from = {UserId(rows.view(1)), rows.text(2)},
        .expires = std::min(rows.time(3), now) + kInvitationLife});
  }
}

Result<std::optional<Author>> read_person(store::Database& db, const UserId& id) {
  TRY(rows, db.query("SELECT \"user\", name FROM people WHERE \"user\" = ?", id));
  TRY(there, rows.step());
  if (!there) return std::nullopt;
  return Author{UserId(rows.view(0)), rows.text(1)};
}

Result<std::optional<Author>> read_person_by_name(store::Database& db, const std::string& name) {
  TRY(rows, db.query("SELECT \"user\", name FROM people WHERE name = ? LIMIT 2", name));
  TRY(there, rows.step());
  if (!there) return std::nullopt;
  Author person{UserId(rows.view(0)), rows.text(1)};
  TRY(another, rows.step());
  if (another) return std::nullopt;
  return person;
}

} // namespace foyer::engine

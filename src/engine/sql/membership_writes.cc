// Members of a room and invitations: the writer's jobs.
//
// An invitation lapses by the clock and is then only hidden: a wrong clock deletes nothing,
// and one from the future waits as if it had been sent now. Rows are deleted when they are answered,
// with their room, or when their sender has sent many more since.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "engine/sql/writes.h"

namespace foyer::engine {
namespace {

constexpr int kMemberTries = 5; // to find or create a room that others create and remove

std::string pair_of(const UserId& a, const UserId& b) {
  return a < b ? a.str() + '\n' + b.str() : b.str() + '\n' + a.str();
}

Result<std::uint64_t> count_of(store::Statement rows) {
  TRY_VOID(rows.step());
  return rows.count(0);
}

} // namespace

Result<void> Writes::put_member(store::Database& db, std::int64_t room, const UserId& user) {
  TRY_VOID(db.change("INSERT INTO members (room_id, \"user\", since_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", room,
      user, clock_.wall()));
  return {};
}

Result<bool> Writes::is_member(store::Database& db, std::int64_t room, const UserId& user) {
  TRY(rows, db.query("SELECT 1 FROM members WHERE room_id = ? AND \"user\" = ?", room, user));
  return rows.step();
}

Result<Writes::Room*> Writes::private_room(store::Database& db, const RoomName& name) {
  TRY(room, room_with_members(db, name));
  if (room->kind != RoomKind::private_)
    return refuse(Cause::PERMISSION_DENIED, "only private rooms have members that can be added and removed");
  return room;
}

Result<Writes::Room*> Writes::room_with_members(store::Database& db, const RoomName& name) {
  TRY(room, find(db, name.view()));
  if (room == nullptr) return refuse(Cause::NOT_A_MEMBER);
  if (room->kind != RoomKind::private_ && room->kind != RoomKind::public_)
    return refuse(Cause::PERMISSION_DENIED, "direct and own rooms have no members that come and go");
  return room;
}

Result<void> Writes::has_place(store::Database& db, const Room& room) {
  TRY(rows, db.query("SELECT count(*) FROM members WHERE room_id = ?", room.id));
  TRY(members, count_of(std::move(rows)));
  if (room.kind != RoomKind::direct && members >= limits_.room_members)
    return refuse(Cause::ROOM_LIMIT, fmt::format("a room has at most {} members", limits_.room_members));
  return {};
}

Result<bool> Writes::add_member(store::Database& db, const RoomName& name, const UserId& user) {
  TRY(room, room_with_members(db, name));
  TRY_VOID(has_place(db, *room));
  TRY_VOID(put_member(db, room->id, user));
  const bool added = db.changes() == 1;
  if (added) report_member(HookType::member_added, name.view(), user);
  TRY_VOID(db.change("DELETE FROM room_invitations WHERE room_id = ? AND \"user\" = ?", room->id, user));
  return added;
}

// Invitations by a user end with the membership that allowed them.
Result<bool> Writes::remove_member(store::Database& db, const RoomName& name, const UserId& user) {
  TRY(room, room_with_members(db, name));
  TRY(removed, db.change("DELETE FROM members WHERE room_id = ? AND \"user\" = ?", room->id, user));
  TRY_VOID(db.change("DELETE FROM room_invitations WHERE room_id = ? AND sender = ?", room->id, user));
  if (removed == 1) TRY_VOID(tell_taken(db, TakenAway::membership, name.view(), user.view()));
  if (removed == 1) report_member(HookType::member_removed, name.view(), user);
  if (room->kind == RoomKind::public_) return removed == 1; // it goes on without members
  TRY(gone,
      db.change("UPDATE rooms SET name = NULL WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM members WHERE room_id = ?1)",
          room->id));
  if (gone == 1) {
    rooms_.erase(name.str());
    report_room(HookType::room_deleted, name.view(), RoomKind::private_);
  }
  return removed == 1;
}

Result<Direct> Writes::direct(store::Database& db, const Author& by, const UserId& other) {
  if (by.id == other) return refuse_field(Cause::BAD_MESSAGE, "user", "a direct room needs another user");
  const std::string pair = pair_of(by.id, other);
  for (int tries = 0; tries < kMemberTries; ++tries) {
    std::string name;
    {
      TRY(rows, db.query("SELECT name FROM rooms WHERE pair = ?", pair));
      TRY(there, rows.step());
      if (there) name = rows.text(0);
    }
    if (name.empty()) {
      TRY(begun, begin_direct(db, by, other, pair));
      if (begun) return std::move(*begun);
      continue;
    }
    TRY(room, find(db, name));
    if (room != nullptr) return enter_direct(db, by, other, name, *room);
  }
  return refuse(Cause::STORE_LOCKED, "others create and remove this room at the same time");
}

Result<std::optional<Direct>> Writes::begin_direct(
    store::Database& db, const Author& by, const UserId& other, std::string_view pair) {
  TRY_VOID(may_make(db, RoomKind::direct, by.id));
  std::array<std::byte, 16> random{};
  entropy_.fill(random);
  const std::string name = "direct:" + hex_encode({reinterpret_cast<const char*>(random.data()), random.size()});
  TRY(made, make(db, name, RoomKind::direct, pair, by.id.view()));
  if (made == nullptr) return std::nullopt;
  TRY_VOID(put_member(db, made->id, by.id));
  report_member(HookType::member_added, name, by.id);
  TRY(asked, ask(db, made->id, by, other));
  TRY(whole, row(db, name, *made));
  Direct out{.room = std::move(whole), .requested = true, .expires = asked.expires};
  out.room.made = true;
  return out;
}

Result<Direct> Writes::enter_direct(
    store::Database& db, const Author& by, const UserId& other, std::string_view name, Room& room) {
  Direct out;
  TRY(belongs, is_member(db, room.id, by.id));
  if (!belongs) {
    TRY_VOID(put_member(db, room.id, by.id));
    report_member(HookType::member_added, name, by.id);
    TRY_VOID(db.change("DELETE FROM room_invitations WHERE room_id = ? AND \"user\" = ?", room.id, by.id));
    out.entered = true;
  }
  TRY(both, is_member(db, room.id, other));
  // A lapsed request is renewed if the limits allow it; the room exists either way.
  if (!both) {
    auto asked = ask(db, room.id, by, other);
    if (asked && asked->is_new)
      out.requested = true, out.expires = asked->expires;
    else if (!asked && asked.error().cause != Cause::INVITATION_LIMIT)
      return std::unexpected(std::move(asked).error());
  }
  TRY(whole, row(db, name, room));
  out.room = std::move(whole);
  return out;
}

Result<Invited> Writes::invite(store::Database& db, const RoomName& name, const Author& from, const UserId& user) {
  TRY(room, private_room(db, name));
  TRY(belongs, is_member(db, room->id, user));
  if (belongs) return Invited{.member = true};
  TRY_VOID(has_place(db, *room));
  return ask(db, room->id, from, user);
}

Result<Invited> Writes::ask(store::Database& db, std::int64_t room, const Author& from, const UserId& user) {
  const WallTime now = clock_.wall();
  const WallTime since = now - kInvitationLife;
  {
    TRY(rows,
        db.query(
            "SELECT sender, sent_ms, declined FROM room_invitations WHERE room_id = ? AND \"user\" = ?", room, user));
    TRY(there, rows.step());
    const bool answered_no = there && rows.integer(2) != 0;
    // A declined sender gets the same answer as a waiting one.
    if (there && rows.time(1) >= since && (!answered_no || rows.view(0) == from.id.view()))
      return Invited{.expires = std::min(rows.time(1), now) + kInvitationLife};
  }
  TRY_VOID(within_limits(db, from.id, user, since));
  TRY_VOID(
      db.change("INSERT INTO room_invitations (room_id, \"user\", sender, sender_name, sent_ms, declined) VALUES (?, "
                "?, ?, ?, ?, 0)"
                " ON CONFLICT (room_id, \"user\") DO UPDATE SET sender = excluded.sender, sender_name = "
                "excluded.sender_name, sent_ms = excluded.sent_ms, declined = 0",
          room, user, from.id, from.name, now));
  return Invited{.is_new = true, .expires = now + kInvitationLife};
}

Result<void> Writes::within_limits(store::Database& db, const UserId& from, const UserId& user, WallTime since) {
  const auto limit = [](std::string_view name, std::uint64_t value) {
    return refuse(Cause::INVITATION_LIMIT, fmt::format("{}={}", name, value));
  };
  TRY(sent_rows, db.query("SELECT count(*) FROM room_invitations WHERE sender = ? AND sent_ms >= ?", from, since));
  TRY(sent, count_of(std::move(sent_rows)));
  if (sent >= limits_.invitations_sent) return limit("invitations_sent", limits_.invitations_sent);
  TRY(pair_rows,
      db.query("SELECT count(*) FROM room_invitations WHERE sender = ? AND \"user\" = ? AND sent_ms >= ?", from, user,
          since));
  TRY(pair, count_of(std::move(pair_rows)));
  if (pair >= limits_.invitations_to_one) return limit("invitations_to_one", limits_.invitations_to_one);
  TRY(received_rows,
      db.query(
          "SELECT count(*) FROM room_invitations WHERE \"user\" = ? AND sent_ms >= ? AND declined = 0", user, since));
  TRY(received, count_of(std::move(received_rows)));
  if (received >= limits_.invitations_received) return limit("invitations_received", limits_.invitations_received);
  // Lapsed ones are deleted by number and never by age: as many again are kept for each sender.
  TRY_VOID(
      db.change("DELETE FROM room_invitations WHERE sender = ?1 AND sent_ms < ?2 AND sent_ms <"
                " (SELECT min(sent_ms) FROM (SELECT sent_ms FROM room_invitations WHERE sender = ?1 ORDER BY sent_ms "
                "DESC LIMIT ?3) AS newest)",
          from, since, std::uint64_t{limits_.invitations_sent} * 2));
  return {};
}

Result<bool> Writes::accept(store::Database& db, const RoomName& name, const UserId& user) {
  TRY(room, find(db, name.view()));
  if (room == nullptr || (room->kind != RoomKind::private_ && room->kind != RoomKind::direct))
    return refuse(Cause::NO_INVITATION);
  TRY(belongs, is_member(db, room->id, user));
  if (belongs) return false;
  {
    TRY(rows,
        db.query("SELECT 1 FROM room_invitations WHERE room_id = ? AND \"user\" = ? AND sent_ms >= ?", room->id, user,
            clock_.wall() - kInvitationLife));
    TRY(there, rows.step());
    if (!there) return refuse(Cause::NO_INVITATION);
  }
  TRY_VOID(has_place(db, *room));
  TRY_VOID(put_member(db, room->id, user));
  report_member(HookType::member_added, name.view(), user);
  TRY_VOID(db.change("DELETE FROM room_invitations WHERE room_id = ? AND \"user\" = ?", room->id, user));
  return true;
}

Result<bool> Writes::decline(store::Database& db, const RoomName& name, const UserId& user) {
  TRY(room, find(db, name.view()));
  if (room == nullptr) return refuse(Cause::NO_INVITATION);
  TRY(declined,
      db.change("UPDATE room_invitations SET declined = 1 WHERE room_id = ? AND \"user\" = ? AND sent_ms >= ?",
          room->id, user, clock_.wall() - kInvitationLife));
  if (declined == 0) return refuse(Cause::NO_INVITATION);
  return true;
}

Result<bool> Writes::remember_person(store::Database& db, const Author& person) {
  TRY(changed,
      db.change(
          "INSERT INTO people (\"user\", name) VALUES (?, ?) ON CONFLICT (\"user\") DO UPDATE SET name = excluded.name",
          person.id, person.name));
  return changed == 1;
}

} // namespace foyer::engine

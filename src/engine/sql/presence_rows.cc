#include "engine/sql/presence_rows.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "store/postgres_array.h"

namespace foyer::engine {
namespace {

// The nodes that count: those with a lease, and the first parameter. Whoever changes a row sees it as it is under the
// lock, and the leases as they were when the statement began.
const std::string kLive = "(ARRAY(SELECT node FROM present_nodes WHERE until > now()) || CAST(?1 AS TEXT))";

// Rows are written in one order by all, so that two nodes never wait for each other.
const std::string kPutPresent =
    "INSERT INTO present (room, \"user\", name, nodes, came) SELECT v.room, v.who, v.name, ARRAY[CAST(?1 AS TEXT)], "
    "TRUE FROM unnest(CAST(?2 AS TEXT[]), CAST(?3 AS TEXT[]), CAST(?4 AS TEXT[])) AS v (room, who, name) ORDER BY "
    "v.room COLLATE \"C\", v.who COLLATE \"C\" ON CONFLICT (room, \"user\") DO UPDATE SET came = "
    "CASE CAST(?5 AS BIGINT) WHEN 0 THEN NOT present.nodes && " +
    kLive + " WHEN 1 THEN FALSE ELSE NOT array_remove(present.nodes, CAST(?1 AS TEXT)) && " + kLive +
    " END, name = CASE WHEN present.nodes && " + kLive +
    " THEN present.name ELSE excluded.name END, nodes = array_append(array_remove(present.nodes, CAST(?1 AS TEXT)), "
    "CAST(?1 AS TEXT)) RETURNING room, \"user\", came";
constexpr std::string_view kLockPresent =
    "SELECT 1 FROM present p JOIN unnest(CAST(? AS TEXT[]), CAST(? AS TEXT[])) AS v (room, who) ON p.room = v.room AND "
    "p.\"user\" = v.who ORDER BY p.room, p.\"user\" FOR UPDATE OF p";
const std::string kRemovePresent =
    "UPDATE present SET nodes = array_remove(nodes, CAST(?2 AS TEXT)) FROM unnest(CAST(?3 AS TEXT[]), CAST(?4 AS "
    "TEXT[])) AS v (room, who) WHERE present.room = v.room AND present.\"user\" = v.who AND CAST(?2 AS TEXT) = "
    "ANY(present.nodes) RETURNING present.room, present.\"user\", present.name, present.nodes && " +
    kLive;
constexpr std::string_view kDeletePresent =
    "DELETE FROM present USING unnest(CAST(? AS TEXT[]), CAST(? AS TEXT[])) AS v (room, who) WHERE present.room = "
    "v.room AND present.\"user\" = v.who";
// And the time in microseconds, without a room.
const std::string kCountPresent =
    "SELECT '', CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) UNION ALL "
    "SELECT p.room, count(*) FROM present p WHERE p.room = ANY(CAST(?2 AS TEXT[])) AND p.nodes && " +
    kLive + " GROUP BY p.room";
const std::string kPresentOf =
    "SELECT \"user\" FROM present WHERE room = ?2 AND \"user\" = ANY(CAST(?3 AS TEXT[])) AND nodes && " + kLive;
const std::string kMembersPresent =
    "SELECT \"user\", name FROM present WHERE room = ?2 AND nodes && " + kLive + " LIMIT ?3";

constexpr std::string_view kOfNode =
    "SELECT room, \"user\", name FROM present WHERE CAST(?1 AS TEXT) = ANY(nodes) AND (?2 = '' OR room = ?2) LIMIT ?3";
constexpr std::string_view kRenew =
    "UPDATE present_nodes SET until = now() + CAST(? AS BIGINT) * interval '1 millisecond' WHERE node = ? AND until > "
    "now()";
constexpr std::string_view kBegin =
    "INSERT INTO present_nodes (node, until) VALUES (?2, now() + CAST(?1 AS BIGINT) * interval '1 millisecond') ON "
    "CONFLICT (node) DO UPDATE SET until = excluded.until, reaper = NULL, reaper_until = NULL";
constexpr std::string_view kWin =
    "UPDATE present_nodes SET reaper = ?1, reaper_until = now() + CAST(?2 AS BIGINT) * interval '1 millisecond' WHERE "
    "node = (SELECT node FROM present_nodes WHERE until <= now() AND (reaper IS NULL OR reaper = ?1 OR reaper_until <= "
    "now()) ORDER BY until LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING node";

// The columns of several users, for unnest.
struct Columns {
  std::string rooms, users, names;
};
Columns columns_of(const std::vector<PresentUser>& users) {
  std::vector<std::string_view> rooms, ids, names;
  for (const PresentUser& user : users) {
    rooms.push_back(user.room.view());
    ids.push_back(user.user.view());
    names.push_back(user.name);
  }
  return {store::array_of(rooms), store::array_of(ids), store::array_of(names)};
}

struct Counts {
  std::map<std::string, std::size_t, std::less<>> users; // by room
  std::uint64_t order = 0;
};
Result<Counts> counts_of(store::Database& db, std::string_view self, std::vector<std::string_view> rooms) {
  std::ranges::sort(rooms);
  rooms.erase(std::ranges::unique(rooms).begin(), rooms.end());
  Counts out;
  TRY(rows, db.query(kCountPresent, self, store::array_of(rooms)));
  for (;;) {
    TRY(more, rows.step());
    if (!more) return out;
    if (rows.view(0).empty())
      out.order = rows.count(1);
    else
      out.users.emplace(rows.text(0), static_cast<std::size_t>(rows.integer(1)));
  }
}

// They were counted after the last change: the count after an earlier one is without the later ones.
Result<void> count(store::Database& db, std::string_view self, const std::vector<PresentUser>& users,
    std::vector<PresentUserChange>& changes, std::ptrdiff_t step) {
  std::vector<std::string_view> rooms;
  for (const PresentUser& user : users) rooms.push_back(user.room.view());
  TRY(counts, counts_of(db, self, std::move(rooms)));
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
    auto& left = counts.users[change->who.room.str()];
    change->count = left;
    change->order = counts.order;
    if (change->changed) left -= static_cast<std::size_t>(step);
  }
  return {};
}

using Key = std::pair<std::string, std::string>; // room, user

} // namespace

Result<std::vector<PresentUserChange>> put_present(
    store::Database& db, std::string_view self, const std::vector<PresentUser>& users, PresentPut how) {
  const Columns columns = columns_of(users);
  std::map<Key, bool> came;
  {
    TRY(rows, db.query(kPutPresent, self, columns.rooms, columns.users, columns.names, how));
    for (;;) {
      TRY(more, rows.step());
      if (!more) break;
      came[{rows.text(0), rows.text(1)}] = rows.integer(2) != 0;
    }
  }
  std::vector<PresentUserChange> out;
  for (const PresentUser& user : users)
    out.push_back({.who = user, .changed = came[{user.room.str(), user.user.str()}]});
  TRY_VOID(count(db, self, users, out, 1));
  return out;
}

Result<std::vector<PresentUserChange>> remove_present(
    store::Database& db, std::string_view self, std::string_view node, const std::vector<PresentUser>& users) {
  const Columns columns = columns_of(users);
  {
    TRY(locked, db.query(kLockPresent, columns.rooms, columns.users));
    TRY_VOID(locked.run());
  }
  std::map<Key, std::string> left; // names
  {
    TRY(rows, db.query(kRemovePresent, self, node, columns.rooms, columns.users));
    for (;;) {
      TRY(more, rows.step());
      if (!more) break;
      if (rows.integer(3) == 0) left[{rows.text(0), rows.text(1)}] = rows.text(2);
    }
  }
  std::vector<PresentUser> gone;
  std::vector<PresentUserChange> out;
  for (const PresentUser& user : users) {
    const auto found = left.find({user.room.str(), user.user.str()});
    out.push_back({.who = {user.room, user.user}, .changed = found != left.end()});
    if (found == left.end()) continue;
    out.back().who.name = found->second;
    gone.push_back(user);
  }
  if (!gone.empty()) {
    const Columns of_gone = columns_of(gone);
    TRY_VOID(db.change(kDeletePresent, of_gone.rooms, of_gone.users));
  }
  TRY_VOID(count(db, self, users, out, -1));
  return out;
}

Result<PresentMembers> read_present(
    store::Database& db, std::string_view self, const RoomName& room, std::size_t most) {
  PresentMembers present;
  {
    TRY(rows, db.query(kMembersPresent, self, room, most));
    for (;;) {
      TRY(more, rows.step());
      if (!more) break;
      present.members.push_back({UserId(rows.view(0)), rows.text(1)});
    }
  }
  TRY(counts, counts_of(db, self, {room.view()}));
  present.count = counts.users[room.str()];
  return present;
}

Result<std::vector<PresentCount>> count_present(
    store::Database& db, std::string_view self, const std::vector<RoomName>& rooms) {
  std::vector<std::string_view> names;
  for (const RoomName& room : rooms) names.push_back(room.view());
  TRY(counts, counts_of(db, self, std::move(names)));
  std::vector<PresentCount> out;
  for (const RoomName& room : rooms) out.push_back({.users = counts.users[room.str()], .order = counts.order});
  return out;
}

Result<std::vector<PresentUser>> absent_of(
    store::Database& db, std::string_view self, const std::vector<PresentUser>& users) {
  if (users.empty()) return std::vector<PresentUser>{};
  std::set<std::string, std::less<>> present;
  {
    TRY(rows, db.query(kPresentOf, self, users.front().room, columns_of(users).users));
    for (;;) {
      TRY(more, rows.step());
      if (!more) break;
      present.insert(rows.text(0));
    }
  }
  std::vector<PresentUser> out;
  for (const PresentUser& user : users)
    if (!present.contains(user.user.view())) out.push_back(user);
  return out;
}

Result<std::string> presence_era(store::Database& db) {
  for (;;) {
    {
      TRY(rows, db.query("SELECT era FROM present_era"));
      TRY(there, rows.step());
      if (there) return rows.text(0);
    }
    TRY_VOID(
        db.change("INSERT INTO present_era (era) VALUES (CAST(gen_random_uuid() AS TEXT)) ON CONFLICT DO NOTHING"));
  }
}

Result<std::vector<PresentUser>> present_of(
    store::Database& db, std::string_view node, std::string_view room, std::size_t most) {
  std::vector<PresentUser> out;
  TRY(rows, db.query(kOfNode, node, room, most));
  for (;;) {
    TRY(more, rows.step());
    if (!more) return out;
    out.push_back({RoomName(rows.view(0)), UserId(rows.view(1)), rows.text(2)});
  }
}

Result<bool> renew_presence(store::Database& db, std::string_view node, Millis life, bool fresh) {
  if (fresh) {
    TRY_VOID(db.change(kBegin, life.count(), node));
    return true;
  }
  TRY(renewed, db.change(kRenew, life.count(), node));
  return renewed == 1;
}

Result<std::string> win_dead(store::Database& db, std::string_view self, Millis life) {
  TRY(rows, db.query(kWin, self, life.count()));
  TRY(there, rows.step());
  return there ? rows.text(0) : std::string{};
}

Result<void> forget_dead(store::Database& db, std::string_view node, std::string_view self) {
  TRY_VOID(db.change("DELETE FROM present_nodes WHERE node = ? AND reaper = ? AND until <= now()", node, self));
  return {};
}

} // namespace foyer::engine

#include "engine/sql/lease_rows.h"

namespace foyer::engine {
namespace {

constexpr int kLeaseTries = 5; // to find or insert a row that others change

// A lease that another one has is read without waiting for its row.
const std::string kGrant = "UPDATE leases SET term = term + CASE WHEN until_ms <= " + kSharedNow +
    " THEN 1 ELSE 0 END, holder = ?4, until_ms = " + kSharedNow +
    " + ?5 WHERE kind = ?2 AND name = ?3 AND (until_ms <= " + kSharedNow +
    " OR holder = ?4) RETURNING holder, term, until_ms - " + kSharedNow;
const std::string kFirstLease = "INSERT INTO leases (kind, name, holder, term, until_ms) VALUES (?2, ?3, ?4, 1, " +
    kSharedNow + " + ?5) ON CONFLICT DO NOTHING RETURNING holder, term, until_ms - " + kSharedNow;
const std::string kReadLease =
    "SELECT holder, term, until_ms - " + kSharedNow + " FROM leases WHERE kind = ?2 AND name = ?3";
const std::string kEndLease = "UPDATE leases SET until_ms = " + kSharedNow +
    " WHERE kind = ?2 AND name = ?3 AND holder = ?4 AND term = ?5 AND until_ms > " + kSharedNow;
const std::string kHolds =
    "SELECT 1 FROM leases WHERE kind = ?2 AND name = ?3 AND holder = ?4 AND term = ?5 AND "
    "until_ms > " +
    kSharedNow + " FOR SHARE";

Result<std::optional<Lease>> lease_of(Result<store::Statement> rows) {
  if (!rows) return std::unexpected(std::move(rows).error());
  TRY(there, rows->step());
  if (!there) return std::nullopt;
  Lease lease{.holder = rows->text(0), .term = rows->count(1), .left = Millis{rows->integer(2)}};
  TRY_VOID(rows->run());
  return lease;
}

} // namespace

Result<Lease> grant_lease(store::Database& db, const LeaseRequest& question, SharedTime now) {
  const auto& [key, holder, life] = question;
  for (int tries = 0; tries < kLeaseTries; ++tries) {
    TRY(granted, lease_of(db.query(kGrant, now, key.kind, key.name, holder, life.count())));
    if (granted) return *granted;
    TRY(first, lease_of(db.query(kFirstLease, now, key.kind, key.name, holder, life.count())));
    if (first) return *first;
    TRY(of_another, lease_of(db.query(kReadLease, now, key.kind, key.name)));
    if (of_another && of_another->left > Millis{0}) return *of_another;
  }
  return refuse(Cause::STORE_LOCKED, "others take and end this lease at the same time");
}

Result<bool> end_lease(
    store::Database& db, const SharedKey& key, const std::string& holder, std::uint64_t term, SharedTime now) {
  TRY(ended, db.change(kEndLease, now, key.kind, key.name, holder, term));
  return ended == 1;
}

Result<bool> holds_lease(
    store::Database& db, const SharedKey& key, const std::string& holder, std::uint64_t term, SharedTime now) {
  TRY(rows, db.query(kHolds, now, key.kind, key.name, holder, term));
  return rows.step();
}

} // namespace foyer::engine

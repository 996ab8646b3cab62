// The accounts in a SQLite database, DATA/accounts.sqlite. Other processes (`foyer
// user …`) may work on the same file at the same time.
#pragma once

#include <memory>
#include <string>

#include "accounts/policy.h"
#include "accounts/store.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/lane.h"
#include "store/sqlite.h"

namespace foyer::accounts {

struct SqliteStoreOptions {
  store::OpenOptions database = {};
  std::size_t queue_limit = 2'000; // changes, and reads, that may wait; more: BUSY
  Millis keep_audit = std::chrono::days{AuditPolicy{}.days};
  Millis keep_refusals = std::chrono::days{AuditPolicy{}.refusal_days}; // audit rows of refusals
  std::size_t audit_refusals = AuditPolicy{}.refusals; // of these at most; beyond, the oldest are deleted
  Millis keep_ended = std::chrono::days{
      30}; // sessions and refresh tokens unused for so long: more than SessionPolicy::idle and RefreshPolicy::idle
  Millis keep_revocations = std::chrono::days{7}; // must exceed the life of any token
  bool forgets = true;                            // false: nothing is deleted by age, for commands beside a server
  Executor* executor = nullptr;                   // null: threads of its own
};

// All arguments must outlive the store.
[[nodiscard]] Result<std::unique_ptr<AccountStore>> open_sqlite_store(const std::string& path,
    SqliteStoreOptions options, const Clock& clock, Entropy& entropy, Metrics& metrics, Log& log);

// Whether a start could use the file; changes nothing (store/examine.h).
[[nodiscard]] Result<bool> examine_sqlite_store(const std::string& path);

} // namespace foyer::accounts

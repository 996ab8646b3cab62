// The accounts in any database: runs queries.h on one writer
// and its readers. sqlite_store.h and postgres_store.h open it.
#pragma once

#include <memory>

#include "accounts/policy.h"
#include "accounts/store.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/database.h"
#include "store/lane.h"

namespace foyer::accounts {

struct DatabaseStoreOptions {
  std::size_t queue_limit = 2'000; // changes, and reads, that may wait; more: BUSY
  std::size_t readers = 1;         // connections that read
  Millis keep_audit = std::chrono::days{AuditPolicy{}.days};
  Millis keep_refusals = std::chrono::days{AuditPolicy{}.refusal_days}; // audit rows of refusals
  std::size_t audit_refusals = AuditPolicy{}.refusals; // of these at most; beyond, the oldest are deleted
  Millis keep_ended = std::chrono::days{
      30}; // sessions and refresh tokens unused for so long: more than SessionPolicy::idle and RefreshPolicy::idle
  Millis keep_revocations = std::chrono::days{7}; // must exceed the life of any token
  bool forgets = true;                            // false: nothing is deleted by age, for commands beside a server
  bool compares_server_clock = true; // with the database's own, before any deletion by age (store/age_guard.h)
  Millis watch_every{0};             // how often an idle connection is checked; 0: never
  Executor* executor = nullptr;      // null: threads of its own
};

// `writing` migrates. All references must outlive the store.
[[nodiscard]] Result<std::unique_ptr<AccountStore>> open_database_store(store::Opener writing, store::Opener reading,
    DatabaseStoreOptions options, const Clock& clock, Entropy& entropy, Metrics& metrics, Log& log);

} // namespace foyer::accounts

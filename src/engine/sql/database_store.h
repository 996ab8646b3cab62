// The chat store in a database, whichever it is: the jobs of writes.h on one
// writer, those of reads.h on its readers. What opens it is in sqlite_store.h and
// postgres_store.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "engine/sql/chat_store.h"
#include "engine/sql/policy.h"
#include "engine/values.h"
#include "store/database.h"
#include "store/lane.h"

namespace foyer::engine {

struct DatabaseStoreOptions {
  StorePolicy policy = {};
  std::size_t readers = 1;           // connections that read
  bool compares_server_clock = true; // with the database's own, before anything is deleted by age (store/age_guard.h)
  Millis watch_every{0};             // a connection without work is looked at so often; 0: never
  bool of_a_file = false;            // no server has it that others use too
  std::string witness = {};          // the file beside the database (continuity.h); empty: none
  Executor* executor = nullptr;      // null: threads; else everything runs there (store/lane.h)
};

// `writing` migrates, and sees to it that nobody else writes. All references must outlive the store.
[[nodiscard]] Result<std::unique_ptr<ChatStore>> open_database_store(store::Opener writing, store::Opener reading,
    DatabaseStoreOptions options, const Clock& clock, Entropy& entropy, Metrics& metrics, Log& log);

// For a copy that may be restored one day: whoever opens it begins every room's
// epoch anew, since the original went on with the old one.
[[nodiscard]] Result<void> mark_as_copy(store::Database& db);

} // namespace foyer::engine

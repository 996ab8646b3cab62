// The chat store in any database: runs the jobs of writes.h on one
// writer, those of reads.h on its readers. sqlite_store.h and
// postgres_store.h open it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "engine/sql/chat_store.h"
#include "engine/sql/member_about.h"
#include "engine/sql/policy.h"
#include "engine/sql/writes.h"
#include "engine/values.h"
#include "store/database.h"
#include "store/lane.h"

namespace foyer::engine {

struct DatabaseStoreOptions {
  StorePolicy policy = {};
  std::size_t readers = 1;           // connections that read
  Writers writers = Writers::one;    // many: the database must not be a file
  bool compares_server_clock = true; // with the database's own, before any deletion by age (store/age_guard.h)
  Millis watch_every{0};             // how often an idle connection is checked; 0: never
  Millis tail_every{0};              // with Writers::many: how often other nodes' changes are read; 0: never
  std::string bus = {};              // identity of the bus between nodes; empty: none
  std::string node = {};             // name of this process among several; empty: drawn at its start
  MemberAbout about = {};            // what it says of itself to operators
  Millis duty_life{0};               // of the lease of what only one of them does (duty.h); 0: this one does it
  bool of_a_file = false;            // without a server that others use too
  std::string witness = {};          // the file beside the database (continuity.h); empty: none
  store::Answering answering = {};   // of the writer (store/writer.h)
  Executor* executor = nullptr;      // null: threads; otherwise everything runs there (store/lane.h)
};

// `writing` migrates, and with Writers::one ensures that no other process writes rooms. All references must outlive the
// store.
[[nodiscard]] Result<std::unique_ptr<ChatStore>> open_database_store(store::Opener writing, store::Opener reading,
    DatabaseStoreOptions options, const Clock& clock, Entropy& entropy, Metrics& metrics, Log& log);

// For a copy that may be restored: opening it gives every room a new
// epoch, since the original continued with the old one.
[[nodiscard]] Result<void> mark_as_copy(store::Database& db);

} // namespace foyer::engine

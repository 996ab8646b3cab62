// The embedded chat store: rooms, members and messages in one SQLite file.
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
#include "store/lane.h"

namespace foyer::engine {

struct SqliteStoreOptions {
  StorePolicy policy = {};
  bool survive_power_loss = true;  // `sent` waits for the device; false: only for the operating system
  Millis busy_timeout{2'000};      // wait for another process's lock, then STORE_LOCKED
  std::uint64_t max_pages = 0;     // of the file, 4 KiB each; 0: no limit
  std::string vfs = {};            // SQLite's file layer; empty: the system's
  std::string witness = {};        // the file beside the database (continuity.h); empty: none
  store::Answering answering = {}; // of the writer (store/writer.h)
  Executor* executor = nullptr;    // null: two threads; otherwise everything runs there (store/lane.h)
};

// One process at a time has a chat store open: CHAT_STORE_IN_USE (a lock on PATH.lock). The
// arguments must outlive the store. STORE_TOO_NEW, DATA_UNWRITABLE and the causes of store/sqlite.h.
[[nodiscard]] Result<std::unique_ptr<ChatStore>> open_sqlite_store(const std::string& path, SqliteStoreOptions options,
    const Clock& clock, Entropy& entropy, Metrics& metrics, Log& log);

// For a copy that may be restored: opening it gives every room a new
// epoch, since the original continued with the old one.
[[nodiscard]] Result<void> mark_as_copy(const std::string& path);

// Whether a start could use the file; changes nothing (store/examine.h). Also CHAT_STORE_IN_USE.
[[nodiscard]] Result<bool> examine_sqlite_store(const std::string& path);

} // namespace foyer::engine

// The embedded chat store: rooms, members and messages in one SQLite file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "engine/sql/chat_store.h"
#include "engine/values.h"
#include "store/lane.h"

namespace foyer::engine {

struct SqliteStoreOptions {
  bool survive_power_loss = true;           // `sent` waits for the device; else for the operating system only
  Millis busy_timeout{2'000};               // another process's lock is waited for this long, then STORE_LOCKED
  std::size_t queue_limit = 20'000;         // changes that may wait for the writer; more: BUSY
  std::uint32_t history_days = 0;           // messages older than this go; 0: kept
  std::uint64_t history_messages = 0;       // of each room this many are kept; 0: all
  std::uint32_t room_members = 10'000;      // of a private room; more: ROOM_LIMIT
  RoomsPerUser rooms_per_user = {};         // made by one user; more: ROOM_LIMIT
  std::uint32_t invitations_sent = 200;     // of one sender, without an answer; more: INVITATION_LIMIT
  std::uint32_t invitations_to_one = 5;     // of these to one person
  std::uint32_t invitations_received = 100; // that wait for one person
  std::uint64_t max_pages = 0;              // of the file, 4 KiB each; 0: no limit
  std::string vfs = {};                     // SQLite's file layer; empty: the system's
  std::string witness = {};                 // the file beside the database (continuity.h); empty: none
  Executor* executor = nullptr;             // null: two threads; else everything runs there (store/lane.h)
};

// One process at a time has a chat store open so: CHAT_STORE_IN_USE (a lock on PATH.lock). The
// arguments must outlive the store. STORE_TOO_NEW, DATA_UNWRITABLE and the causes of store/sqlite.h.
[[nodiscard]] Result<std::unique_ptr<ChatStore>> open_sqlite_store(const std::string& path, SqliteStoreOptions options,
    const Clock& clock, Entropy& entropy, Metrics& metrics, Log& log);

// For a copy that may be restored one day: whoever opens it begins every room's
// epoch anew, since the original went on with the old one.
[[nodiscard]] Result<void> mark_as_copy(const std::string& path);

// Whether a start could use the file; changes nothing (store/examine.h). CHAT_STORE_IN_USE, too.
[[nodiscard]] Result<bool> examine_sqlite_store(const std::string& path);

} // namespace foyer::engine

// SQLite as a Database (store/database.h).
//
// Failures: STORE_FULL, STORE_READ_ONLY, STORE_LOCKED, STORE_FAILED, and
// DATA_UNWRITABLE when the file cannot be opened at all. Databases run in WAL
// mode, so one writes while others read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "store/database.h"

namespace foyer::store {

enum class Access : std::uint8_t {
  create,     // read and write; the file is created (mode 0600) if it is absent
  read_write, // read and write; an absent file is STORE_FAILED
  read_only,  // read; writing is STORE_READ_ONLY
};

struct OpenOptions {
  Access access = Access::create;
  bool survive_power_loss = true; // flush every commit to the device; false: only a crash of the process is survived
  Millis busy_timeout{2'000};     // wait for another process's lock, then STORE_LOCKED
  std::uint64_t max_pages = 0;    // of the database file (4 KiB each); beyond: STORE_FULL; 0: no limit
  std::string vfs = {};           // SQLite's name of the file layer; empty: the system's
};

[[nodiscard]] Result<std::unique_ptr<Database>> open_sqlite(const std::string& path, const OpenOptions& options = {});

// For a Writer: creates and migrates at first; later a missing file stays missing and is not created again.
[[nodiscard]] Opener sqlite_writer(std::string path, OpenOptions options, Schema schema);
// For a Reader.
[[nodiscard]] Opener sqlite_reader(std::string path, OpenOptions options);

// A consistent copy of a database that may be in use, written to a new file (mode 0600).
[[nodiscard]] Result<void> copy_database(const std::string& from, const std::string& to);

} // namespace foyer::store

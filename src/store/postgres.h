// PostgreSQL as a Database (store/database.h), over libpq.
//
// Failures: DATABASE_UNREACHABLE (no connection, refused, starting, shutting down,
// lost), STORE_TIMEOUT (a statement or the wait for a lock took too long),
// STORE_LOCKED (the transaction lost against another one: may_succeed_again()),
// STORE_FULL, STORE_READ_ONLY (a standby), STORE_FAILED, STORE_TOO_NEW,
// POOLER_UNSUITABLE (each transaction has another session). The evidence
// is the SQLSTATE and the server's first sentence; never a value, never the password.
//
// Control statements (begin, savepoint, release) are sent together with the next statement, so a
// job of one statement costs one round trip to the server.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "store/database.h"

namespace foyer::store {

// Of transactions that write.
enum class Isolation : std::uint8_t {
  serializable,   // as if there were no other transaction; some have to be repeated
  read_committed, // each statement sees what was committed before it began: whoever reads in order to write locks the
                  // row
};

struct PostgresOptions {
  std::string url = {};            // postgres://… or postgresql://…; a secret, since it may contain a password
  Millis connect_timeout{2'000};   // per host, in whole seconds; a value in the URL takes precedence. An Opener doubles
                                   // it after each failure, up to four times it: a server that starts may be slow
  Millis statement_timeout{5'000}; // the server cancels a statement after this time, then STORE_TIMEOUT
  Millis lock_timeout{2'000};      // likewise the wait for a lock
  Millis answer_timeout{8'000};    // without an answer for so long, the connection is closed
  Isolation isolation = Isolation::serializable;
  std::string environment =
      {}; // the database's environment, recorded by the first writer; empty: neither recorded nor compared
};

enum class PostgresUse : std::uint8_t {
  write, // the server must accept changes: otherwise STORE_READ_ONLY
  read,  // of several hosts, the one that accepts changes, so that committed rows are seen
};

[[nodiscard]] Result<std::unique_ptr<Database>> open_postgres(
    const PostgresOptions& options, PostgresUse use = PostgresUse::write);

enum class Owner : std::uint8_t {
  shared, // several processes may write, and nobody is kept out
  among,  // several that all say so, by the same lock in its shared form: CLUSTER_MISMATCH while a sole owner is there
  sole,   // one connection at a time, by an advisory lock held as long as it is open: CHAT_STORE_IN_USE,
          // or CLUSTER_MISMATCH while some are there that are among several.
          // A starting process gives the previous one a second to end
};

// The advisory lock of a sole owner, and how long a starting process waits for it.
[[nodiscard]] std::int64_t owner_lock(std::string_view part);
inline constexpr int kOwnTries = 20;
inline constexpr Millis kOwnPause{50};

// For a Writer: connects, migrates, checks that the database belongs to our environment
// (otherwise DATA_ENVIRONMENT_MISMATCH). An owner takes the lock first.
[[nodiscard]] Opener postgres_writer(PostgresOptions options, Schema schema, Owner owner = Owner::shared);
// For a Reader.
[[nodiscard]] Opener postgres_reader(PostgresOptions options);

} // namespace foyer::store

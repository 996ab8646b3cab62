// The tables of the accounts in PostgreSQL, as their whole history, oldest step
// first (meaning: see sqlite_schema.h). A released step is never
// edited. Texts that are sorted or searched are compared byte by byte, independent of
// the server's locale.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "store/database.h"

namespace foyer::accounts {

inline constexpr std::array<std::string_view, 4> kPostgresMigrations = {R"sql(
CREATE TABLE secrets (
  name TEXT COLLATE "C" PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE users (
  id TEXT COLLATE "C" PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL,
  name_key TEXT COLLATE "C" NOT NULL UNIQUE,
  email TEXT NOT NULL,
  password TEXT NOT NULL,
  admin BIGINT NOT NULL,
  disabled BIGINT NOT NULL,
  created BIGINT NOT NULL
);

CREATE TABLE sessions (
  id TEXT COLLATE "C" PRIMARY KEY,
  "user" TEXT COLLATE "C" NOT NULL REFERENCES users (id),
  created BIGINT NOT NULL,
  last_seen BIGINT NOT NULL,
  device TEXT NOT NULL,
  address TEXT NOT NULL,
  cookie TEXT COLLATE "C" UNIQUE,
  ended BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE INDEX sessions_of_user ON sessions ("user", ended, last_seen);
CREATE INDEX sessions_by_age ON sessions (last_seen);

CREATE TABLE refresh_tokens (
  digest TEXT COLLATE "C" PRIMARY KEY,
  session TEXT COLLATE "C" NOT NULL,
  created BIGINT NOT NULL,
  used BIGINT
);
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session);
CREATE INDEX refresh_tokens_by_age ON refresh_tokens (created);

CREATE TABLE invitations (
  digest TEXT COLLATE "C" PRIMARY KEY,
  created BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  used BIGINT,
  used_by TEXT
);

-- A cursor is given under a lock that lasts until the commit: whoever has read up to
-- a cursor has missed none below it, however many processes revoke at once.
CREATE SEQUENCE revocation_cursors;
CREATE FUNCTION next_revocation() RETURNS BIGINT LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1718581626, 1);
  RETURN nextval('revocation_cursors');
END $$;

CREATE TABLE revocations (
  cursor BIGINT PRIMARY KEY DEFAULT next_revocation(),
  kind BIGINT NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  reason BIGINT NOT NULL
);

CREATE TABLE audit (
  number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at BIGINT NOT NULL,
  action TEXT NOT NULL,
  outcome TEXT NOT NULL,
  "user" TEXT COLLATE "C" NOT NULL,
  address TEXT NOT NULL,
  ref TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at);
)sql",
    R"sql(
CREATE TABLE second_factors (
  "user" TEXT COLLATE "C" PRIMARY KEY REFERENCES users (id),
  secret TEXT NOT NULL,
  confirmed BIGINT NOT NULL,
  created BIGINT NOT NULL,
  last_step BIGINT NOT NULL
);

CREATE TABLE recovery_codes (
  "user" TEXT COLLATE "C" NOT NULL,
  digest TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY ("user", digest)
);

CREATE TABLE services (
  id TEXT COLLATE "C" PRIMARY KEY,
  may_call TEXT NOT NULL,
  disabled BIGINT NOT NULL,
  created BIGINT NOT NULL
);

CREATE TABLE service_secrets (
  service TEXT COLLATE "C" NOT NULL REFERENCES services (id),
  place BIGINT NOT NULL,
  sealed TEXT NOT NULL,
  created BIGINT NOT NULL,
  fingerprints TEXT NOT NULL,
  PRIMARY KEY (service, place)
);

CREATE TABLE signing_keys (
  kid TEXT COLLATE "C" PRIMARY KEY,
  sealed TEXT NOT NULL,
  created BIGINT NOT NULL,
  active_from BIGINT NOT NULL,
  retired BIGINT
);

CREATE INDEX revocations_of ON revocations (id, kind);
)sql",
    R"sql(
CREATE TABLE account_facts (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

-- Equal refusals are one row: how many more there were, and the time of the last one.
ALTER TABLE audit ADD COLUMN repeats BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit ADD COLUMN last_at BIGINT;
CREATE INDEX audit_refused ON audit (address, action, outcome, "user", at) WHERE outcome <> 'OK';
CREATE INDEX audit_refused_order ON audit (number) WHERE outcome <> 'OK';
)sql",
    R"sql(
-- Tickets and nonces of requests, of all auth services (engine/sql/shared_entries.h). put: a value, which may be taken;
-- otherwise what was only taken. Times in ms.
CREATE TABLE account_entries (
  kind TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  put BIGINT NOT NULL,
  value TEXT NOT NULL,
  taken_by TEXT,
  taken_ms BIGINT,
  ends_ms BIGINT NOT NULL,
  forget_ms BIGINT NOT NULL,
  PRIMARY KEY (kind, name, put)
);
CREATE INDEX account_entries_by_end ON account_entries (kind, put, forget_ms);

-- Failed guesses and those in progress (lockouts.h). pair: a digest. Times in ms.
CREATE TABLE login_failures (
  kind BIGINT NOT NULL,
  pair TEXT COLLATE "C" NOT NULL,
  failures BIGINT NOT NULL DEFAULT 0,
  under_way BIGINT NOT NULL DEFAULT 0,
  locked_ms BIGINT NOT NULL DEFAULT 0,
  failed_ms BIGINT NOT NULL DEFAULT 0,
  begun_ms BIGINT NOT NULL DEFAULT 0,
  forget_ms BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (kind, pair)
);
CREATE INDEX login_failures_by_end ON login_failures (kind, forget_ms);
)sql"};

// The last step that did more than add (engine/sql/postgres_schema.h).
inline constexpr std::size_t kOldestPostgresAccounts = 4;
inline constexpr store::Schema kPostgresAccounts{
    .part = "accounts", .steps = kPostgresMigrations, .oldest = kOldestPostgresAccounts};
static_assert(kOldestPostgresAccounts <= kPostgresMigrations.size());

} // namespace foyer::accounts

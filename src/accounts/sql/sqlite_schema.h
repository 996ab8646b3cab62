// The schema of accounts.sqlite as its whole history, oldest step first. A released
// step is never edited. Times are milliseconds since 1970; digests
// are base64url of SHA-256.
#pragma once

#include <array>
#include <string_view>

namespace foyer::accounts {

inline constexpr std::array<std::string_view, 3> kMigrations = {R"sql(
CREATE TABLE secrets (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL                      -- base64url
) STRICT;

CREATE TABLE users (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,                      -- as written
  name_key TEXT NOT NULL UNIQUE,           -- lower case
  email TEXT NOT NULL,                     -- '' : none
  password TEXT NOT NULL,                  -- PHC string
  admin INTEGER NOT NULL,
  disabled INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  user TEXT NOT NULL REFERENCES users (id),
  created INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  device TEXT NOT NULL,
  address TEXT NOT NULL,
  cookie TEXT UNIQUE,                      -- digest; NULL: none
  ended INTEGER NOT NULL,                  -- SessionEnd
  ended_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_user ON sessions (user, ended, last_seen);
CREATE INDEX sessions_by_age ON sessions (last_seen);

CREATE TABLE refresh_tokens (
  digest TEXT PRIMARY KEY,
  session TEXT NOT NULL,
  created INTEGER NOT NULL,
  used INTEGER                             -- NULL: not yet
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session);
CREATE INDEX refresh_tokens_by_age ON refresh_tokens (created);

CREATE TABLE invitations (
  digest TEXT PRIMARY KEY,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  used INTEGER,
  used_by TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE revocations (
  cursor INTEGER PRIMARY KEY AUTOINCREMENT,
  kind INTEGER NOT NULL,                   -- auth::RevocationEvent::Kind
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  reason INTEGER NOT NULL                  -- auth::RevocationEvent::Reason
) STRICT;

CREATE TABLE audit (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  action TEXT NOT NULL,
  outcome TEXT NOT NULL,                   -- OK or a code
  user TEXT NOT NULL,                      -- '' : not known
  address TEXT NOT NULL,
  ref TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit (at);
)sql",
    R"sql(
CREATE TABLE second_factors (
  "user" TEXT PRIMARY KEY REFERENCES users (id),
  secret TEXT NOT NULL,                    -- sealed
  confirmed INTEGER NOT NULL,
  created INTEGER NOT NULL,
  last_step INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_codes (
  "user" TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY ("user", digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE services (
  id TEXT PRIMARY KEY,
  may_call TEXT NOT NULL,                  -- ids, separated by spaces
  disabled INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE service_secrets (
  service TEXT NOT NULL REFERENCES services (id),
  place INTEGER NOT NULL,                  -- 0: the newest
  sealed TEXT NOT NULL,
  created INTEGER NOT NULL,
  fingerprints TEXT NOT NULL,              -- lines of "FINGERPRINT NAME OF THE VARIANT"
  PRIMARY KEY (service, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_keys (
  kid TEXT PRIMARY KEY,
  sealed TEXT NOT NULL,
  created INTEGER NOT NULL,
  active_from INTEGER NOT NULL,
  retired INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX revocations_of ON revocations (id, kind);
)sql",
    R"sql(
CREATE TABLE account_facts (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Equal refusals are one row: how many more there were, and the time of the last one.
ALTER TABLE audit ADD COLUMN repeats INTEGER NOT NULL DEFAULT 0;
ALTER TABLE audit ADD COLUMN last_at INTEGER;
CREATE INDEX audit_refused ON audit (address, action, outcome, "user", at) WHERE outcome <> 'OK';
CREATE INDEX audit_refused_order ON audit (number) WHERE outcome <> 'OK';
)sql"};

} // namespace foyer::accounts

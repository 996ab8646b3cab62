// The tables of the chat store in PostgreSQL, as migration steps
// (meaning: see sqlite_schema.h). Texts that are sorted or searched are
// compared byte by byte, independent of the server's locale.
#pragma once

#include <cstddef>
#include <iterator>
#include <string_view>

#include "store/database.h"

namespace foyer::engine {

inline constexpr std::string_view kPostgresChatSchema[] = {
    R"sql(
CREATE TABLE rooms (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name TEXT COLLATE "C" UNIQUE,
  kind BIGINT NOT NULL,
  pair TEXT COLLATE "C" UNIQUE,
  creator TEXT COLLATE "C",
  epoch TEXT NOT NULL,
  last_offset BIGINT NOT NULL,
  active_ms BIGINT NOT NULL
) WITH (fillfactor = 50); -- last_offset changes all the time: room for it in the same page
CREATE INDEX rooms_by_activity ON rooms (kind, active_ms);
CREATE INDEX rooms_by_creator ON rooms (creator) WHERE creator IS NOT NULL;
CREATE INDEX rooms_gone ON rooms (id) WHERE name IS NULL;

CREATE TABLE members (
  room_id BIGINT NOT NULL REFERENCES rooms (id),
  "user" TEXT COLLATE "C" NOT NULL,
  since_ms BIGINT NOT NULL,
  PRIMARY KEY (room_id, "user")
);
CREATE INDEX members_by_user ON members ("user", room_id);

CREATE TABLE names (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  "user" TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL
);
CREATE INDEX names_by_user ON names ("user", name);

-- Without references to rooms and names: there is one writer, which minds them, and
-- to check each message against both would cost more than to store it.
CREATE TABLE messages (
  room_id BIGINT NOT NULL,
  "offset" BIGINT NOT NULL,
  author TEXT COLLATE "C" NOT NULL,
  name_id BIGINT NOT NULL,
  text TEXT NOT NULL,
  time_ms BIGINT NOT NULL,
  key TEXT COLLATE "C",
  erased BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (room_id, "offset")
);
CREATE UNIQUE INDEX messages_by_key ON messages (room_id, author, key) WHERE key IS NOT NULL;

CREATE TABLE facts (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
)sql",
    R"sql(
-- The head of a room when a client knew more of its epoch than is stored: positions beyond it
-- prove nothing any more, unless their time is right. Null: nobody did.
ALTER TABLE rooms ADD COLUMN doubted BIGINT;
)sql",
    R"sql(
ALTER TABLE rooms ADD COLUMN last_change BIGINT NOT NULL DEFAULT 0;
CREATE TABLE changes (
  room_id BIGINT NOT NULL,
  change BIGINT NOT NULL,
  "offset" BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  body TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (room_id, change)
);

CREATE TABLE authors (
  author TEXT COLLATE "C" NOT NULL,
  room_id BIGINT NOT NULL,
  PRIMARY KEY (author, room_id)
);
CREATE INDEX authors_by_room ON authors (room_id);
INSERT INTO authors (author, room_id) SELECT DISTINCT author, room_id FROM messages;
)sql",
    R"sql(
CREATE INDEX rooms_public ON rooms (name) WHERE kind = 0;
DROP INDEX rooms_by_activity;
)sql",
    R"sql(
-- Who was asked into a room and has not accepted: a private room, or a direct one that the sender began.
CREATE TABLE room_invitations (
  room_id BIGINT NOT NULL REFERENCES rooms (id),
  "user" TEXT COLLATE "C" NOT NULL,
  sender TEXT COLLATE "C" NOT NULL,
  sender_name TEXT COLLATE "C" NOT NULL,
  sent_ms BIGINT NOT NULL,
  declined BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (room_id, "user")
);
CREATE INDEX room_invitations_by_user ON room_invitations ("user", sent_ms);
CREATE INDEX room_invitations_by_sender ON room_invitations (sender, sent_ms);

-- People whose accounts are elsewhere, since they were admitted.
CREATE TABLE people (
  "user" TEXT COLLATE "C" PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL
);
CREATE INDEX people_by_name ON people (name);
)sql",
    R"sql(
ALTER TABLE messages ADD COLUMN type BIGINT NOT NULL DEFAULT 0;
)sql",
    R"sql(
-- Webhooks (engine/hooks.h). types and rooms: words with a blank between them. secret, old_secret: sealed. The fact
-- `hooks` counts their changes.
CREATE TABLE hooks (
  id TEXT COLLATE "C" PRIMARY KEY,
  url TEXT NOT NULL,
  types TEXT NOT NULL,
  rooms TEXT NOT NULL,
  secret TEXT NOT NULL,
  old_secret TEXT,
  created_ms BIGINT NOT NULL,
  disabled_ms BIGINT,
  why TEXT NOT NULL
);

-- What waits to be sent, once for each hook. message: the offset whose text is in data, so that it can be erased here.
CREATE TABLE hook_events (
  number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hook_id TEXT COLLATE "C" NOT NULL,
  event_id TEXT COLLATE "C" NOT NULL,
  type TEXT NOT NULL,
  room TEXT COLLATE "C" NOT NULL,
  message BIGINT,
  at_ms BIGINT NOT NULL,
  queued_ms BIGINT NOT NULL,
  data TEXT NOT NULL
);
CREATE INDEX hook_events_by_hook ON hook_events (hook_id, number);
CREATE INDEX hook_events_by_room ON hook_events (hook_id, room, number);
CREATE INDEX hook_events_by_message ON hook_events (room, message) WHERE message IS NOT NULL;

-- What was given up. again: it is to be sent again.
CREATE TABLE hook_dead (
  number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hook_id TEXT COLLATE "C" NOT NULL,
  event_id TEXT COLLATE "C" NOT NULL,
  type TEXT NOT NULL,
  room TEXT COLLATE "C" NOT NULL,
  message BIGINT,
  at_ms BIGINT NOT NULL,
  data TEXT NOT NULL,
  tries BIGINT NOT NULL,
  why TEXT NOT NULL,
  since_ms BIGINT NOT NULL,
  again BIGINT NOT NULL
);
CREATE INDEX hook_dead_by_hook ON hook_dead (hook_id, number);
CREATE INDEX hook_dead_by_message ON hook_dead (room, message) WHERE message IS NOT NULL;
CREATE INDEX hook_dead_again ON hook_dead (number) WHERE again = 1;
)sql",
    R"sql(
CREATE TABLE api_keys (
  id TEXT PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL UNIQUE,
  rights TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  disabled_ms BIGINT,
  used_ms BIGINT
);

CREATE TABLE api_key_secrets (
  hash TEXT PRIMARY KEY,
  key_id TEXT NOT NULL REFERENCES api_keys (id),
  created_ms BIGINT NOT NULL,
  ends_ms BIGINT
);
CREATE INDEX api_key_secrets_by_key ON api_key_secrets (key_id);
)sql",
    R"sql(
CREATE TABLE subject_endings (
  kind BIGINT NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  at_ms BIGINT NOT NULL,
  until_ms BIGINT,
  lifted BIGINT NOT NULL,
  change BIGINT NOT NULL UNIQUE,
  PRIMARY KEY (kind, subject)
);
CREATE INDEX subject_endings_by_time ON subject_endings (at_ms);
)sql",
    R"sql(
CREATE TABLE api_calls (
  key_id TEXT NOT NULL,
  method TEXT NOT NULL,
  call_key TEXT COLLATE "C" NOT NULL,
  body_hash TEXT NOT NULL,
  done BIGINT NOT NULL,
  answer TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  PRIMARY KEY (key_id, method, call_key)
);
CREATE INDEX api_calls_by_time ON api_calls (at_ms);
)sql",
    R"sql(
ALTER TABLE api_keys ADD COLUMN service TEXT COLLATE "C";
CREATE UNIQUE INDEX api_keys_by_service ON api_keys (service);
)sql",
    R"sql(
-- Rooms that changed, for other nodes (changed_rooms.h); rows are deleted after a minute. room_id 0: all of them. xid is
-- the number of the whole transaction, also within a savepoint, where the system column xmin has another.
CREATE TABLE changed (
  room_id BIGINT NOT NULL,
  head BIGINT NOT NULL,
  xid XID8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX changed_by_xid ON changed (xid);

-- What takes a right away, likewise (control_log.h).
CREATE TABLE control_log (
  kind BIGINT NOT NULL,
  room TEXT COLLATE "C" NOT NULL,
  "user" TEXT COLLATE "C" NOT NULL,
  xid XID8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX control_log_by_xid ON control_log (xid);
)sql",
    R"sql(
-- The processes that have this database open (members.h).
CREATE TABLE nodes (
  node TEXT COLLATE "C" PRIMARY KEY,
  incarnation BIGINT NOT NULL,
  mode BIGINT NOT NULL,
  bus TEXT NOT NULL,
  protocol BIGINT NOT NULL,
  heard_until TIMESTAMPTZ NOT NULL
);
)sql",
    R"sql(
-- Whom a node says it does not hear over the bus (member_hearing.h), and when it last said so.
ALTER TABLE nodes ADD COLUMN unheard TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN reported TIMESTAMPTZ;
)sql",
    R"sql(
-- What nodes tell each other (signals.h); rows are deleted after a minute. number: of the sender's rows.
CREATE UNLOGGED TABLE signals (
  xid XID8 NOT NULL DEFAULT pg_current_xact_id(),
  sender TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  bytes TEXT COLLATE "C" NOT NULL
);
CREATE INDEX signals_by_xid ON signals (xid);
)sql",
    R"sql(
-- Who is in which room on which node (presence_store.h). came: the last change was of a user who was on no living node.
CREATE UNLOGGED TABLE present (
  room TEXT COLLATE "C" NOT NULL,
  "user" TEXT COLLATE "C" NOT NULL,
  name TEXT NOT NULL,
  nodes TEXT[] NOT NULL,
  came BOOLEAN NOT NULL,
  PRIMARY KEY (room, "user")
);
-- The leases of nodes; reaper: who removes the entries of a dead one.
CREATE UNLOGGED TABLE present_nodes (
  node TEXT COLLATE "C" PRIMARY KEY,
  until TIMESTAMPTZ NOT NULL,
  reaper TEXT COLLATE "C",
  reaper_until TIMESTAMPTZ
);
)sql",
    R"sql(
-- shared_entries and shared_counts have no user any more: accounts have tables of their own (accounts/sql). They are
-- not dropped, so that a release from before that may still open the database.
CREATE TABLE shared_entries (
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
CREATE INDEX shared_entries_by_end ON shared_entries (kind, put, forget_ms);
CREATE UNLOGGED TABLE shared_counts (
  kind TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  times BIGINT[] NOT NULL,
  forget_ms BIGINT NOT NULL,
  PRIMARY KEY (kind, name)
);
CREATE INDEX shared_counts_by_end ON shared_counts (forget_ms);
-- What was noted for webhooks by one of several gateways. Whoever sends them moves it to hook_events, whose numbers rise
-- in the order in which they appear.
CREATE TABLE hook_arrivals (
  number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hook_id TEXT COLLATE "C" NOT NULL,
  event_id TEXT COLLATE "C" NOT NULL,
  type TEXT NOT NULL,
  room TEXT COLLATE "C" NOT NULL,
  message BIGINT,
  at_ms BIGINT NOT NULL,
  queued_ms BIGINT NOT NULL,
  data TEXT NOT NULL
);
CREATE INDEX hook_arrivals_by_message ON hook_arrivals (room, message) WHERE message IS NOT NULL;

CREATE TABLE leases (
  kind TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  holder TEXT NOT NULL,
  term BIGINT NOT NULL,
  until_ms BIGINT NOT NULL,
  PRIMARY KEY (kind, name)
);
)sql",
    R"sql(
-- What a process says of itself (member_about.h), the session that writes for it, when it ended in order, the trouble
-- that it has with its bus, and for how long it sees a transaction that is held open.
ALTER TABLE nodes ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN url TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN version TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN build TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN roles TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN started TIMESTAMPTZ;
ALTER TABLE nodes ADD COLUMN session BIGINT;
ALTER TABLE nodes ADD COLUMN session_began TIMESTAMPTZ;
ALTER TABLE nodes ADD COLUMN ended TIMESTAMPTZ;
ALTER TABLE nodes ADD COLUMN trouble TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN held_ms BIGINT NOT NULL DEFAULT 0;
)sql",
    R"sql(
-- Names what `present` and `present_nodes` remember: it is lost with them.
CREATE UNLOGGED TABLE present_era (
  one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one),
  era TEXT NOT NULL
);
)sql",
};

// The last step that did more than add. A step that removes or changes what is there raises it, and ends the rolling
// upgrade from programs before it.
inline constexpr std::size_t kOldestPostgresChat = 19;
inline constexpr store::Schema kPostgresChat{
    .part = "chat", .steps = kPostgresChatSchema, .oldest = kOldestPostgresChat};
static_assert(kOldestPostgresChat <= std::size(kPostgresChatSchema));

} // namespace foyer::engine

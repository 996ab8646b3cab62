// The tables of the chat store, as migration steps. A released step
// is never changed; a new one goes to the end.
#pragma once

#include <string_view>

namespace foyer::engine {

inline constexpr std::string_view kChatSchema[] = {
    R"sql(
-- A room whose name is null is gone; its rows are swept away little by little.
-- pair: of a direct room, its two users in order with a line feed between them.
-- creator: of a private room.
CREATE TABLE rooms (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  kind INTEGER NOT NULL,
  pair TEXT UNIQUE,
  creator TEXT,
  epoch TEXT NOT NULL,
  last_offset INTEGER NOT NULL,
  active_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX rooms_by_activity ON rooms (kind, active_ms);
CREATE INDEX rooms_by_creator ON rooms (creator) WHERE creator IS NOT NULL;

CREATE TABLE members (
  room_id INTEGER NOT NULL REFERENCES rooms (id),
  user TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  PRIMARY KEY (room_id, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_user ON members (user, room_id);

-- What an author was called when it wrote. One row for each name of each user, so
-- that the end of an account touches few rows and not every message.
CREATE TABLE names (
  id INTEGER PRIMARY KEY,
  user TEXT NOT NULL,
  name TEXT NOT NULL
) STRICT;
CREATE INDEX names_by_user ON names (user, name);

CREATE TABLE messages (
  room_id INTEGER NOT NULL REFERENCES rooms (id),
  offset INTEGER NOT NULL,
  author TEXT NOT NULL,
  name_id INTEGER NOT NULL REFERENCES names (id),
  text TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  key TEXT,
  erased INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (room_id, offset)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX messages_by_key ON messages (room_id, author, key) WHERE key IS NOT NULL;

CREATE TABLE facts (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql",
    R"sql(
-- The head of a room when a client knew more of its epoch than is stored: positions beyond it
-- prove nothing any more, unless their time is right. Null: nobody did.
ALTER TABLE rooms ADD COLUMN doubted INTEGER;
)sql",
    R"sql(
-- What happened to messages that were said before (store.h, Change), the newest of each room.
ALTER TABLE rooms ADD COLUMN last_change INTEGER NOT NULL DEFAULT 0;
CREATE TABLE changes (
  room_id INTEGER NOT NULL,
  change INTEGER NOT NULL,
  "offset" INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (room_id, change)
) STRICT, WITHOUT ROWID;

-- Who has said something in a room: the end of an account changes those rooms.
CREATE TABLE authors (
  author TEXT NOT NULL,
  room_id INTEGER NOT NULL,
  PRIMARY KEY (author, room_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX authors_by_room ON authors (room_id);
INSERT INTO authors (author, room_id) SELECT DISTINCT author, room_id FROM messages;
)sql",
    R"sql(
-- Public rooms are listed by name. creator: of a public room who joined it first or said the first thing in
-- it, of a direct room who asked for it; null where it was made before this step.
CREATE INDEX rooms_public ON rooms (name) WHERE kind = 0;
DROP INDEX rooms_by_activity;
)sql",
    R"sql(
-- Who was asked into a room and has not accepted: a private room, or a direct one that the sender began.
-- Not called invitations: the accounts have a table of that name, and both may share a database.
CREATE TABLE room_invitations (
  room_id INTEGER NOT NULL REFERENCES rooms (id),
  user TEXT NOT NULL,
  sender TEXT NOT NULL,
  sender_name TEXT NOT NULL,
  sent_ms INTEGER NOT NULL,
  declined INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (room_id, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX room_invitations_by_user ON room_invitations (user, sent_ms);
CREATE INDEX room_invitations_by_sender ON room_invitations (sender, sent_ms);

-- People whose accounts are elsewhere, since they were admitted.
CREATE TABLE people (
  user TEXT PRIMARY KEY,
  name TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX people_by_name ON people (name);
)sql",
    R"sql(
-- What the body of a message is: 0 a text, 1 a JSON value, in its JSON text (rooms/model/room.h, BodyType).
ALTER TABLE messages ADD COLUMN type INTEGER NOT NULL DEFAULT 0;
)sql",
    R"sql(
-- Webhooks (engine/hooks.h). types and rooms: words with a blank between them. secret, old_secret: sealed. The fact
-- `hooks` counts their changes.
CREATE TABLE hooks (
  id TEXT PRIMARY KEY,
  url TEXT NOT NULL,
  types TEXT NOT NULL,
  rooms TEXT NOT NULL,
  secret TEXT NOT NULL,
  old_secret TEXT,
  created_ms INTEGER NOT NULL,
  disabled_ms INTEGER,
  why TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What waits to be sent, once for each hook. message: the offset whose text is in data, so that it can be erased here.
CREATE TABLE hook_events (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  hook_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  room TEXT NOT NULL,
  message INTEGER,
  at_ms INTEGER NOT NULL,
  queued_ms INTEGER NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE INDEX hook_events_by_hook ON hook_events (hook_id, number);
CREATE INDEX hook_events_by_room ON hook_events (hook_id, room, number);
CREATE INDEX hook_events_by_message ON hook_events (room, message) WHERE message IS NOT NULL;

-- What was given up. again: it is to be sent again.
CREATE TABLE hook_dead (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  hook_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  room TEXT NOT NULL,
  message INTEGER,
  at_ms INTEGER NOT NULL,
  data TEXT NOT NULL,
  tries INTEGER NOT NULL,
  why TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  again INTEGER NOT NULL
) STRICT;
CREATE INDEX hook_dead_by_hook ON hook_dead (hook_id, number);
CREATE INDEX hook_dead_by_message ON hook_dead (room, message) WHERE message IS NOT NULL;
CREATE INDEX hook_dead_again ON hook_dead (number) WHERE again = 1;
)sql",
    R"sql(
-- The keys of the server API. rights: words with a blank between them. A key has one or two live secrets, of which
-- only the SHA-256 is stored. The fact `api_keys` counts the changes.
CREATE TABLE api_keys (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  rights TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  disabled_ms INTEGER,
  used_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key_secrets (
  hash TEXT PRIMARY KEY,
  key_id TEXT NOT NULL REFERENCES api_keys (id),
  created_ms INTEGER NOT NULL,
  ends_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_secrets_by_key ON api_key_secrets (key_id);
)sql",
    R"sql(
-- Blocks of users and revocations of tokens (subject_endings.h). The fact `subject_endings` is the number of the last
-- change.
CREATE TABLE subject_endings (
  kind INTEGER NOT NULL,
  subject TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  until_ms INTEGER,
  lifted INTEGER NOT NULL,
  change INTEGER NOT NULL UNIQUE,
  PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX subject_endings_by_time ON subject_endings (at_ms);
)sql",
    R"sql(
-- Calls of the server API that had an idempotency key, for a day (call_records.h).
CREATE TABLE api_calls (
  key_id TEXT NOT NULL,
  method TEXT NOT NULL,
  call_key TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  done INTEGER NOT NULL,
  answer TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (key_id, method, call_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX api_calls_by_time ON api_calls (at_ms);
)sql",
    R"sql(
-- A key that belongs to a registered service has no secrets: the tokens of the service count as the key.
ALTER TABLE api_keys ADD COLUMN service TEXT;
CREATE UNIQUE INDEX api_keys_by_service ON api_keys (service);
)sql",
    R"sql(
-- Those of them that stored a message, in the order of their commits (call_log.h).
CREATE TABLE message_calls (
  id INTEGER PRIMARY KEY,
  key_id TEXT NOT NULL,
  method TEXT NOT NULL,
  call_key TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  answer TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;
INSERT INTO message_calls (key_id, method, call_key, body_hash, answer, at_ms)
  SELECT key_id, method, call_key, body_hash, answer, at_ms FROM api_calls
  WHERE method = 'publish' AND done = 1 ORDER BY at_ms;
DELETE FROM api_calls WHERE method = 'publish';
)sql",
};

} // namespace foyer::engine

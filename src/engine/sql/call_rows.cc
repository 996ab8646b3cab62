#include "engine/sql/call_rows.h"

#include <algorithm>
#include <vector>

#include "engine/sql/many_rows.h"

namespace foyer::engine {
namespace {

constexpr int kCallTries = 5;

std::unexpected<Refusal> calls_contended() {
  return refuse(Cause::STORE_LOCKED, "others begin and end calls with this key at the same time");
}

} // namespace

Result<std::optional<StoredCall>> find_call(store::Database& db, const CallKey& key, WallTime now) {
  TRY(rows,
      db.query("SELECT body_hash, done, answer FROM api_calls WHERE key_id = ? AND method = ? AND call_key = ? AND "
               "at_ms > ?",
          key.api_key, key.method, key.idempotency_key, now - kCallLife));
  TRY(there, rows.step());
  if (!there) return std::nullopt;
  return StoredCall{.body_hash = rows.text(0), .done = rows.integer(1) != 0, .answer = rows.text(2)};
}

Result<std::optional<StoredCall>> begin_call(
    store::Database& db, const CallKey& key, const std::string& body_hash, WallTime now) {
  // Of several processes with the same key one stores the row; the others wait for it, and read what it stored.
  for (int tries = 0; tries < kCallTries; ++tries) {
    TRY(known, find_call(db, key, now));
    if (known && known->done) return known;
    TRY(first,
        db.change("INSERT INTO api_calls (key_id, method, call_key, body_hash, done, answer, at_ms) VALUES (?1, ?2, "
                  "?3, ?4, 0, '', ?5) ON CONFLICT (key_id, method, call_key) DO UPDATE SET body_hash = "
                  "excluded.body_hash, done = 0, answer = '', at_ms = excluded.at_ms WHERE api_calls.at_ms <= ?6 OR "
                  "(api_calls.done = 0 AND "
                  "api_calls.body_hash = excluded.body_hash AND api_calls.at_ms <= ?7)",
            key.api_key, key.method, key.idempotency_key, body_hash, now, now - kCallLife, now - kCallAbandoned));
    if (first == 1) return std::nullopt;
    if (known) return known;
  }
  return calls_contended();
}

Result<std::optional<StoredCall>> claim_call(
    store::Database& db, const CallKey& key, const std::string& body_hash, WallTime now) {
  for (int tries = 0; tries < kCallTries; ++tries) {
    TRY(claimed,
        db.change("INSERT INTO api_calls (key_id, method, call_key, body_hash, done, answer, at_ms) VALUES (?1, ?2, "
                  "?3, ?4, 0, '', ?5) ON CONFLICT (key_id, method, call_key) DO UPDATE SET body_hash = "
                  "excluded.body_hash, done = 0, answer = '', at_ms = excluded.at_ms WHERE api_calls.at_ms <= ?6 OR "
                  "(api_calls.done = 0 AND api_calls.body_hash = excluded.body_hash)",
            key.api_key, key.method, key.idempotency_key, body_hash, now, now - kCallLife));
    if (claimed == 1) return std::nullopt;
    TRY(known, find_call(db, key, now));
    if (known) return known;
  }
  return calls_contended();
}

Result<bool> finish_call(
    store::Database& db, const CallKey& key, const std::string& body_hash, std::string_view answer, WallTime now) {
  TRY_VOID(db.change(
      "INSERT INTO api_calls (key_id, method, call_key, body_hash, done, answer, at_ms) VALUES (?1, ?2, ?3, ?4, 1, "
      "?5, ?6) ON CONFLICT (key_id, method, call_key) DO UPDATE SET body_hash = excluded.body_hash, done = 1, "
      "answer = excluded.answer, at_ms = excluded.at_ms WHERE api_calls.done = 0 OR api_calls.at_ms <= ?7",
      key.api_key, key.method, key.idempotency_key, body_hash, answer, now, now - kCallLife));
  return true;
}

namespace {

const std::vector<ManyRows>& finished_call_insertions() {
  static const auto all = prepared_numbers([](std::size_t rows) {
    return "INSERT INTO api_calls (key_id, method, call_key, body_hash, done, answer, at_ms) VALUES " +
        repeated("(?, ?, ?, ?, 1, ?, ?)", rows) + " ON CONFLICT (key_id, method, call_key) DO NOTHING";
  });
  return all;
}

} // namespace

Result<bool> insert_calls(store::Database& db, std::span<const NewCall> calls) {
  while (!calls.empty()) {
    const auto& insert = largest(finished_call_insertions(), calls.size());
    TRY(statement, db.prepare(insert.sql));
    int index = 1;
    for (const NewCall& call : calls.first(insert.rows)) {
      const CallKey& key = call.record->key;
      statement.bind_from(
          index, key.api_key, key.method, key.idempotency_key, call.record->body_hash, call.answer, call.at);
      index += 6;
    }
    TRY_VOID(statement.run());
    if (static_cast<std::size_t>(db.changes()) < insert.rows) return false;
    calls = calls.subspan(insert.rows);
  }
  return true;
}

Result<bool> forget_call(store::Database& db, const CallKey& key) {
  TRY(gone,
      db.change("DELETE FROM api_calls WHERE key_id = ? AND method = ? AND call_key = ? AND done = 0", key.api_key,
          key.method, key.idempotency_key));
  return gone > 0;
}

Result<std::int64_t> sweep_old_calls(store::Database& db, WallTime now, std::int64_t limit) {
  return db.change(
      "DELETE FROM api_calls WHERE (key_id, method, call_key) IN (SELECT key_id, method, call_key FROM api_calls WHERE "
      "at_ms <= ? ORDER BY at_ms LIMIT ?)",
      now - kCallLife, limit);
}

Result<std::int64_t> sweep_surplus_calls(store::Database& db, std::size_t most, std::int64_t limit) {
  std::int64_t surplus = 0;
  {
    TRY(rows, db.query("SELECT count(*) FROM api_calls"));
    TRY_VOID(rows.step());
    surplus = rows.integer(0) - static_cast<std::int64_t>(most);
  }
  if (surplus <= 0) return 0;
  return db.change(
      "DELETE FROM api_calls WHERE (key_id, method, call_key) IN (SELECT key_id, method, call_key FROM api_calls "
      "ORDER BY at_ms LIMIT ?)",
      std::min(surplus, limit));
}

} // namespace foyer::engine

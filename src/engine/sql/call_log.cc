#include "engine/sql/call_log.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/sql/many_rows.h"

namespace foyer::engine {
namespace {

const std::vector<ManyRows>& remembered_call_insertions() {
  static const auto all = prepared_numbers([](std::size_t rows) {
    return "INSERT INTO message_calls (id, key_id, method, call_key, body_hash, answer, at_ms) VALUES " +
        repeated("(?, ?, ?, ?, ?, ?, ?)", rows);
  });
  return all;
}

std::uint64_t hash_of(std::string_view api_key, std::string_view method, std::string_view idempotency_key) {
  std::string name;
  name.reserve(api_key.size() + method.size() + idempotency_key.size() + 2);
  name.append(api_key).append(1, '\0').append(method).append(1, '\0').append(idempotency_key);
  return std::hash<std::string>{}(name);
}

std::uint64_t hash_of(const CallKey& key) { return hash_of(key.api_key, key.method, key.idempotency_key); }

} // namespace

Result<void> CallLog::load(store::Database& db) {
  if (loaded_) return {};
  hashes_.clear();
  rows_.clear();
  TRY(rows, db.query("SELECT id, key_id, method, call_key FROM message_calls ORDER BY id"));
  for (;;) {
    TRY(more, rows.step());
    if (!more) break;
    if (hashes_.empty()) first_ = rows.integer(0);
    static_cast<void>(add(hash_of(rows.view(1), rows.view(2), rows.view(3))));
  }
  loaded_ = true;
  return {};
}

std::int64_t CallLog::add(std::uint64_t hash) {
  const std::int64_t id = first_ + static_cast<std::int64_t>(hashes_.size());
  rows_.emplace(hash, id);
  hashes_.push_back(hash);
  return id;
}

void CallLog::forget_hash(std::uint64_t hash, std::int64_t id) {
  const auto [begin, end] = rows_.equal_range(hash);
  const auto found = std::find_if(begin, end, [id](const auto& row) { return row.second == id; });
  if (found != end) rows_.erase(found);
}

Result<bool> CallLog::insert(store::Database& db, std::span<const NewCall> calls) {
  TRY_VOID(load(db));
  std::unordered_set<std::uint64_t> these;
  for (const NewCall& call : calls) {
    const std::uint64_t hash = hash_of(call.record->key);
    if (rows_.contains(hash) || !these.insert(hash).second) return false;
  }
  TRY_VOID(append(db, calls));
  return true;
}

Result<void> CallLog::append(store::Database& db, std::span<const NewCall> calls) {
  TRY_VOID(load(db));
  while (!calls.empty()) {
    const auto& insert = largest(remembered_call_insertions(), calls.size());
    TRY(statement, db.prepare(insert.sql));
    int index = 1;
    for (const NewCall& call : calls.first(insert.rows)) {
      const CallKey& key = call.record->key;
      const std::int64_t id = add(hash_of(key));
      statement.bind_from(
          index, id, key.api_key, key.method, key.idempotency_key, call.record->body_hash, call.answer, call.at);
      index += 7;
    }
    TRY_VOID(statement.run());
    calls = calls.subspan(insert.rows);
  }
  return {};
}

Result<std::optional<StoredCall>> CallLog::find(store::Database& db, const CallKey& key, WallTime now) {
  TRY_VOID(load(db));
  const auto [begin, end] = rows_.equal_range(hash_of(key));
  for (auto row = begin; row != end; ++row) {
    TRY(rows,
        db.query(
            "SELECT body_hash, answer FROM message_calls WHERE id = ? AND key_id = ? AND method = ? AND call_key = "
            "? AND at_ms > ?",
            row->second, key.api_key, key.method, key.idempotency_key, now - kCallLife));
    TRY(there, rows.step());
    if (there) return StoredCall{.body_hash = rows.text(0), .done = true, .answer = rows.text(1)};
  }
  return std::nullopt;
}

void CallLog::back_to(const Mark& mark) {
  if (!mark.loaded) return forget();
  while (hashes_.size() > mark.calls) {
    forget_hash(hashes_.back(), first_ + static_cast<std::int64_t>(hashes_.size()) - 1);
    hashes_.pop_back();
  }
}

void CallLog::forget() {
  loaded_ = false;
  hashes_.clear();
  rows_.clear();
  first_ = 1;
}

Result<std::int64_t> CallLog::delete_oldest(store::Database& db, std::int64_t count) {
  if (count <= 0) return 0;
  TRY_VOID(db.change("DELETE FROM message_calls WHERE id < ?", first_ + count));
  for (std::int64_t i = 0; i < count; ++i) {
    forget_hash(hashes_.front(), first_++);
    hashes_.pop_front();
  }
  return count;
}

Result<std::int64_t> CallLog::sweep_surplus(store::Database& db, std::size_t most, std::int64_t limit) {
  TRY_VOID(load(db));
  const std::size_t surplus = hashes_.size() - std::min(hashes_.size(), most);
  return delete_oldest(db, std::min(static_cast<std::int64_t>(surplus), limit));
}

Result<std::int64_t> CallLog::sweep_old(store::Database& db, WallTime now, std::int64_t limit) {
  TRY_VOID(load(db));
  const std::int64_t end = first_ + std::min(limit, static_cast<std::int64_t>(hashes_.size()));
  std::int64_t young = end;
  {
    TRY(rows, db.query("SELECT min(id) FROM message_calls WHERE id < ? AND at_ms > ?", end, now - kCallLife));
    TRY_VOID(rows.step());
    if (!rows.is_null(0)) young = rows.integer(0);
  }
  return delete_oldest(db, young - first_);
}

} // namespace foyer::engine

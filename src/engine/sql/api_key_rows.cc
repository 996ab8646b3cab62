#include "engine/sql/api_key_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace foyer::engine {
namespace {

constexpr std::string_view kVersion = "api_keys"; // a fact: how often the keys were changed

// First in each change: whoever holds this row until its commit is the only one that changes keys.
Result<void> changed(store::Database& db) {
  TRY_VOID(
      db.change("INSERT INTO facts (name, value) VALUES (?, '1') ON CONFLICT (name) DO UPDATE SET value = "
                "CAST(CAST(facts.value AS BIGINT) + 1 AS TEXT)",
          kVersion));
  return {};
}

Result<std::string> version_of(store::Database& db) {
  TRY(rows, db.query("SELECT value FROM facts WHERE name = ?", kVersion));
  TRY(there, rows.step());
  return there ? rows.text(0) : std::string("0");
}

std::string joined(const std::vector<std::string>& rights) { return fmt::format("{}", fmt::join(rights, " ")); }

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = text.find(' ');
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

std::optional<WallTime> time_or_none(const store::Statement& rows, int column) {
  if (rows.is_null(column)) return std::nullopt;
  return rows.time(column);
}

Result<std::vector<ApiSecret>> secrets_of(store::Database& db, const std::string& id) {
  std::vector<ApiSecret> out;
  TRY(rows,
      db.query(
          "SELECT hash, created_ms, ends_ms FROM api_key_secrets WHERE key_id = ? ORDER BY created_ms DESC, hash", id));
  for (;;) {
    TRY(more, rows.step());
    if (!more) return out;
    out.push_back({.hash = rows.text(0), .created = rows.time(1), .ends = time_or_none(rows, 2)});
  }
}

constexpr std::string_view kColumns = "id, name, rights, created_ms, disabled_ms, used_ms, service";

// Without its secrets.
ApiKeyRow key_of(const store::Statement& rows) {
  return {.id = rows.text(0),
      .name = rows.text(1),
      .rights = split(rows.view(2)),
      .secrets = {},
      .created = rows.time(3),
      .disabled = time_or_none(rows, 4),
      .used = time_or_none(rows, 5),
      .service = rows.is_null(6) ? std::string{} : rows.text(6)};
}

Result<ApiKeyRow> find(store::Database& db, const std::string& name) {
  ApiKeyRow key;
  {
    TRY(rows, db.query(fmt::format("SELECT {} FROM api_keys WHERE name = ?", kColumns), name));
    TRY(there, rows.step());
    if (!there) return refuse(Cause::NOT_FOUND, "there is no API key named " + printable(name, 64));
    key = key_of(rows);
  }
  TRY(secrets, secrets_of(db, key.id));
  key.secrets = std::move(secrets);
  return key;
}

Result<void> put_secret(store::Database& db, const std::string& id, const ApiSecret& secret) {
  TRY_VOID(db.change("INSERT INTO api_key_secrets (hash, key_id, created_ms, ends_ms) VALUES (?, ?, ?, ?)", secret.hash,
      id, secret.created, secret.ends));
  return {};
}

} // namespace

Result<bool> add_api_key(store::Database& db, const ApiKeyRow& key) {
  TRY_VOID(changed(db));
  {
    TRY(rows, db.query("SELECT count(*) FROM api_keys"));
    TRY_VOID(rows.step());
    if (rows.count(0) >= kMostApiKeys)
      return refuse_field(Cause::INVALID_VALUE, "name", fmt::format("there are {} API keys already", kMostApiKeys));
  }
  const auto service = key.service.empty() ? std::nullopt : std::optional(key.service);
  if (service) {
    TRY(rows, db.query("SELECT name FROM api_keys WHERE service = ?", *service));
    TRY(there, rows.step());
    if (there)
      return refuse_field(Cause::NAME_TAKEN, "service",
          fmt::format("the service {} has the API key {} already", printable(*service, 64), rows.text(0)));
  }
  TRY(added,
      db.change("INSERT INTO api_keys (id, name, rights, created_ms, disabled_ms, service) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (name) DO NOTHING",
          key.id, key.name, joined(key.rights), key.created, key.disabled, service));
  if (added == 0)
    return refuse_field(Cause::NAME_TAKEN, "name", "there is an API key named " + printable(key.name, 64));
  for (const ApiSecret& secret : key.secrets) TRY_VOID(put_secret(db, key.id, secret));
  return true;
}

Result<ApiKeyRow> rotate_api_key(
    store::Database& db, const std::string& name, const ApiSecret& fresh, std::optional<WallTime> old_ends) {
  TRY_VOID(changed(db));
  TRY(key, find(db, name));
  for (std::size_t i = 1; i < key.secrets.size(); ++i)
    TRY_VOID(db.change("DELETE FROM api_key_secrets WHERE hash = ?", key.secrets[i].hash));
  ApiSecret newest = fresh;
  if (!key.secrets.empty()) {
    const ApiSecret& old = key.secrets.front();
    TRY_VOID(db.change("UPDATE api_key_secrets SET ends_ms = ? WHERE hash = ?", old_ends, old.hash));
    newest.created = std::max(newest.created, old.created + Millis{1}); // whatever the clocks of two processes say
  }
  TRY_VOID(put_secret(db, key.id, newest));
  return find(db, name);
}

Result<ApiKeyRow> set_api_key_rights(
    store::Database& db, const std::string& name, const std::vector<std::string>& rights) {
  TRY_VOID(changed(db));
  TRY(key, find(db, name));
  TRY_VOID(db.change("UPDATE api_keys SET rights = ? WHERE id = ?", joined(rights), key.id));
  return find(db, name);
}

Result<ApiKeyRow> drop_old_api_secrets(store::Database& db, const std::string& name) {
  TRY_VOID(changed(db));
  TRY(key, find(db, name));
  for (std::size_t i = 1; i < key.secrets.size(); ++i)
    TRY_VOID(db.change("DELETE FROM api_key_secrets WHERE hash = ?", key.secrets[i].hash));
  return find(db, name);
}

Result<bool> disable_api_key(store::Database& db, const std::string& name, std::optional<WallTime> since) {
  TRY(seen, find(db, name));
  if (seen.disabled.has_value() == since.has_value()) return false;
  TRY_VOID(changed(db));
  TRY(key, find(db, name));
  if (key.disabled.has_value() == since.has_value()) return false;
  TRY_VOID(db.change("UPDATE api_keys SET disabled_ms = ? WHERE id = ?", since, key.id));
  return true;
}

Result<std::optional<ApiKeyList>> read_api_keys_since(store::Database& db, const std::string& version) {
  ApiKeyList out;
  TRY(now, version_of(db));
  if (now == version) return std::nullopt;
  out.version = std::move(now);
  {
    TRY(rows, db.query(fmt::format("SELECT {} FROM api_keys ORDER BY name", kColumns)));
    for (;;) {
      TRY(more, rows.step());
      if (!more) break;
      out.keys.push_back(key_of(rows));
    }
  }
  for (ApiKeyRow& key : out.keys) {
    TRY(secrets, secrets_of(db, key.id));
    key.secrets = std::move(secrets);
  }
  return out;
}

Result<bool> note_api_key_uses(store::Database& db, const std::vector<ApiKeyUse>& uses) {
  for (const ApiKeyUse& use : uses)
    TRY_VOID(db.change("UPDATE api_keys SET used_ms = ?1 WHERE id = ?2 AND coalesce(used_ms, 0) < ?1", use.at, use.id));
  return true;
}

} // namespace foyer::engine

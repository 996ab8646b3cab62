#include "engine/sql/access_store.h"

#include <utility>

#include "engine/sql/api_key_rows.h"
#include "engine/sql/call_rows.h"
#include "engine/sql/ending_rows.h"
#include "engine/sql/hook_data.h"
#include "engine/sql/postgres_schema.h"
#include "engine/sql/sqlite_schema.h"
#include "store/sqlite.h"

namespace foyer::engine {
namespace {

Result<std::unique_ptr<OpenAccess>> open(store::Opener writing, store::Opener reading, const AccessDeps& deps) {
  TRY(writer,
      store::Writer::open(
          std::move(writing), {.name = "chat", .executor = &deps.executor}, {}, deps.clock, deps.metrics, deps.log));
  TRY(reader,
      store::Reader::open(
          std::move(reading), {.name = "chat", .executor = &deps.executor}, deps.clock, deps.metrics, deps.log));
  return std::make_unique<OpenAccess>(std::move(writer), std::move(reader), deps.clock);
}

} // namespace

void AccessStore::add_api_key(ApiKeyRow key, Completion<bool> done) {
  writer_.submit<bool>(
      [key = std::move(key)](store::Database& db) { return engine::add_api_key(db, key); }, std::move(done));
}

void AccessStore::rotate_api_key(
    std::string name, ApiSecret fresh, std::optional<WallTime> old_ends, Completion<ApiKeyRow> done) {
  writer_.submit<ApiKeyRow>([name = std::move(name), fresh = std::move(fresh), old_ends](store::Database& db) {
    return engine::rotate_api_key(db, name, fresh, old_ends);
  }, std::move(done));
}

void AccessStore::set_api_key_rights(std::string name, std::vector<std::string> rights, Completion<ApiKeyRow> done) {
  writer_.submit<ApiKeyRow>([name = std::move(name), rights = std::move(rights)](store::Database& db) {
    return engine::set_api_key_rights(db, name, rights);
  }, std::move(done));
}

void AccessStore::drop_old_api_secrets(std::string name, Completion<ApiKeyRow> done) {
  writer_.submit<ApiKeyRow>([name = std::move(name)](store::Database& db) {
    return engine::drop_old_api_secrets(db, name);
  }, std::move(done));
}

void AccessStore::disable_api_key(std::string name, std::optional<WallTime> since, Completion<bool> done) {
  writer_.submit<bool>([name = std::move(name), since](store::Database& db) {
    return engine::disable_api_key(db, name, since);
  }, std::move(done));
}

void AccessStore::api_keys_since(std::string version, Completion<std::optional<ApiKeyList>> done) {
  reader_.submit<std::optional<ApiKeyList>>([version = std::move(version)](store::Database& db) {
    return read_api_keys_since(db, version);
  }, std::move(done));
}

void AccessStore::note_api_key_uses(std::vector<ApiKeyUse> uses, Completion<bool> done) {
  writer_.submit<bool>(
      [uses = std::move(uses)](store::Database& db) { return engine::note_api_key_uses(db, uses); }, std::move(done));
}

void AccessStore::put_ending(Ending ending, Completion<bool> done) {
  writer_.submit<bool>([this, ending = std::move(ending)](store::Database& db) {
    Result<bool> put = engine::put_ending(db, ending, clock_.wall());
    if (put && ending.kind == EndingKind::block && events_ != nullptr && events_->wants(HookType::user_blocked))
      events_->note({.type = HookType::user_blocked, .data = blocked_data(ending.id, ending.until)});
    return put;
  }, std::move(done));
}

void AccessStore::lift_block(std::string user, Completion<bool> done) {
  writer_.submit<bool>([this, user = std::move(user)](store::Database& db) {
    return engine::lift_block(db, user, clock_.wall());
  }, std::move(done));
}

void AccessStore::endings_after(std::uint64_t after, std::size_t limit, Completion<EndingPage> done) {
  reader_.submit<EndingPage>(
      [after, limit](store::Database& db) { return read_endings_after(db, after, limit); }, std::move(done));
}

void AccessStore::find_call(CallKey key, Completion<std::optional<StoredCall>> done) {
  if (message_calls_ != nullptr)
    return writer_.submit<std::optional<StoredCall>>(
        [this, key = std::move(key)](store::Database& db) -> Result<std::optional<StoredCall>> {
      TRY(call, message_calls_->find(db, key, clock_.wall()));
      if (call) return call;
      return engine::find_call(db, key, clock_.wall());
    }, std::move(done));
  reader_.submit<std::optional<StoredCall>>([this, key = std::move(key)](store::Database& db) {
    return engine::find_call(db, key, clock_.wall());
  }, std::move(done));
}

void AccessStore::begin_call(CallKey key, std::string body_hash, Completion<std::optional<StoredCall>> done) {
  writer_.submit<std::optional<StoredCall>>(
      [this, key = std::move(key), body_hash = std::move(body_hash)](store::Database& db) {
    if (recorded_ != nullptr) ++*recorded_;
    return engine::begin_call(db, key, body_hash, clock_.wall());
  }, std::move(done));
}

void AccessStore::finish_call(CallKey key, std::string body_hash, std::string answer, Completion<bool> done) {
  writer_.submit<bool>(
      [this, key = std::move(key), body_hash = std::move(body_hash), answer = std::move(answer)](store::Database& db) {
    if (recorded_ != nullptr) ++*recorded_;
    return engine::finish_call(db, key, body_hash, answer, clock_.wall());
  }, std::move(done));
}

void AccessStore::forget_call(CallKey key, Completion<bool> done) {
  writer_.submit<bool>(
      [key = std::move(key)](store::Database& db) { return engine::forget_call(db, key); }, std::move(done));
}

Result<std::unique_ptr<OpenAccess>> open_sqlite_access(const std::string& path, const AccessDeps& deps) {
  return open(store::sqlite_writer(path, {}, {"chat", kChatSchema}), store::sqlite_reader(path, {}), deps);
}

Result<std::unique_ptr<OpenAccess>> open_postgres_access(store::PostgresOptions server, const AccessDeps& deps) {
  server.isolation = store::Isolation::read_committed;
  return open(store::postgres_writer(server, kPostgresChat), store::postgres_reader(server), deps);
}

} // namespace foyer::engine

#include "engine/sql/hook_store.h"

#include <utility>

#include "engine/sql/hook_rows.h"
#include "engine/sql/postgres_schema.h"
#include "engine/sql/sqlite_schema.h"
#include "store/sqlite.h"

namespace foyer::engine {
namespace {

std::string event_id(Entropy& entropy) { return "evt_" + entropy.short_id(); }

Result<std::unique_ptr<OpenHooks>> open(store::Opener writing, store::Opener reading, const HookStoreDeps& deps) {
  TRY(writer,
      store::Writer::open(
          std::move(writing), {.name = "chat", .executor = &deps.executor}, {}, deps.clock, deps.metrics, deps.log));
  TRY(reader,
      store::Reader::open(
          std::move(reading), {.name = "chat", .executor = &deps.executor}, deps.clock, deps.metrics, deps.log));
  return std::make_unique<OpenHooks>(std::move(writer), std::move(reader), deps.clock, deps.entropy);
}

} // namespace

void HookStore::add_hook(HookRow hook, Completion<bool> done) {
  writer_.submit<bool>(
      [hook = std::move(hook)](store::Database& db) { return engine::add_hook(db, hook); }, std::move(done));
}

void HookStore::rotate_hook(std::string id, std::string sealed, Completion<bool> done) {
  writer_.submit<bool>([id = std::move(id), sealed = std::move(sealed)](store::Database& db) {
    return engine::rotate_hook(db, id, sealed);
  }, std::move(done));
}

void HookStore::disable_hook(std::string id, std::optional<WallTime> since, std::string why, Completion<bool> done) {
  writer_.submit<bool>([id = std::move(id), since, why = std::move(why)](store::Database& db) {
    return engine::disable_hook(db, id, since, why);
  }, std::move(done));
}

void HookStore::remove_hook(std::string id, Completion<bool> done) {
  writer_.submit<bool>(
      [id = std::move(id)](store::Database& db) { return engine::remove_hook(db, id); }, std::move(done));
}

void HookStore::hooks_since(std::string version, Completion<std::optional<HookList>> done) {
  reader_.submit<std::optional<HookList>>(
      [version = std::move(version)](store::Database& db) { return read_hooks_since(db, version); }, std::move(done));
}

void HookStore::dead_letters(
    std::string hook, std::uint64_t after, std::size_t limit, Completion<std::vector<DeadLetter>> done) {
  reader_.submit<std::vector<DeadLetter>>([hook = std::move(hook), after, limit](store::Database& db) {
    return read_dead_letters(db, hook, after, limit);
  }, std::move(done));
}

void HookStore::replay(std::string hook, std::vector<std::string> ids, Completion<std::uint64_t> done) {
  writer_.submit<std::uint64_t>([hook = std::move(hook), ids = std::move(ids)](store::Database& db) {
    return ask_replay(db, hook, ids);
  }, std::move(done));
}

void HookStore::test_hook(std::string hook, Completion<std::string> done) {
  writer_.submit<std::string>([this, hook = std::move(hook), id = event_id(entropy_)](store::Database& db) {
    return ask_test(db, hook, id, clock_.wall());
  }, std::move(done));
}

void OutboxStore::refresh_hooks(Completion<bool> done) {
  writer_.submit<bool>([this](store::Database& db) -> Result<bool> {
    TRY(taken, take_up_asked(db, clock_.wall(), events_.arrivals()));
    TRY_VOID(events_.load(db));
    if (taken) events_.expect_events();
    return taken;
  }, std::move(done));
}

void OutboxStore::put_events(std::vector<NewHookEvent> events, Completion<bool> done) {
  writer_.submit<bool>([this, events = std::move(events)](store::Database&) -> Result<bool> {
    const std::size_t before = events_.mark();
    for (const NewHookEvent& event : events)
      if (const auto type = hook_type(event.type); type && events_.wants(*type))
        events_.note({.type = *type, .room = event.room, .at = event.at, .data = event.data});
    return events_.mark() > before;
  }, std::move(done));
}

bool OutboxStore::wants_events(std::string_view type) const {
  const auto known = hook_type(type);
  return known && events_.wanted_by_some(*known);
}

void OutboxStore::watch_outbox(std::function<void()> written) {
  const std::lock_guard held(mutex_);
  watcher_ = std::make_shared<const std::function<void()>>(std::move(written));
}

void OutboxStore::written() {
  const auto watcher = [this] {
    const std::lock_guard held(mutex_);
    return watcher_;
  }();
  if (watcher && *watcher) (*watcher)();
}

void OutboxStore::waiting(std::string hook, std::optional<std::string> room, std::uint64_t after, std::size_t limit,
    Completion<std::vector<HookEvent>> done) {
  if (!duty_.ours()) return done(std::vector<HookEvent>{});
  reader_.submit<std::vector<HookEvent>>(
      [hook = std::move(hook), room = std::move(room), after, limit](store::Database& db) {
    return read_waiting(db, hook, room, after, limit);
  }, std::move(done));
}

void OutboxStore::sent(std::string hook, std::vector<std::uint64_t> numbers, Completion<bool> done) {
  writer_.submit<bool>(
      [this, hook = std::move(hook), numbers = std::move(numbers)](store::Database& db) -> Result<bool> {
    TRY(ours, duty_.check(db));
    if (!ours) return false;
    return delete_sent(db, hook, numbers);
  }, std::move(done));
}

void OutboxStore::bury(
    std::string hook, std::uint64_t number, std::uint32_t tries, std::string why, Completion<bool> done) {
  writer_.submit<bool>(
      [this, hook = std::move(hook), number, tries, why = std::move(why)](store::Database& db) -> Result<bool> {
    TRY(ours, duty_.check(db));
    if (!ours) return false;
    return bury_event(db, hook, number, tries, why, clock_.wall());
  }, std::move(done));
}

void OutboxStore::trim(std::string hook, HookLimits limits, Completion<std::uint64_t> done) {
  auto job = [this, hook = std::move(hook), limits, id = event_id(entropy_)](
                 store::Database& db) -> Result<std::uint64_t> {
    TRY(ours, duty_.check(db));
    if (!ours) return 0;
    TRY(moved, trim_events(db, hook, limits, id, clock_.wall()));
    if (moved > 0) events_.expect_events();
    return moved;
  };
  writer_.submit<std::uint64_t>(std::move(job), std::move(done));
}

void OutboxStore::move_arrived() {
  writer_.submit<std::int64_t>([this](store::Database& db) -> Result<std::int64_t> {
    TRY(ours, duty_.check(db));
    if (!ours) return 0;
    return move_arrivals(db);
  }, [this](Result<std::int64_t> moved) {
    if (!moved || *moved == 0) return;
    written();
    move_arrived(); // until none is left
  });
}

Result<std::unique_ptr<OpenHooks>> open_sqlite_hooks(const std::string& path, const HookStoreDeps& deps) {
  return open(store::sqlite_writer(path, {}, {"chat", kChatSchema}), store::sqlite_reader(path, {}), deps);
}

Result<std::unique_ptr<OpenHooks>> open_postgres_hooks(store::PostgresOptions server, const HookStoreDeps& deps) {
  server.isolation = store::Isolation::read_committed;
  return open(store::postgres_writer(server, kPostgresChat), store::postgres_reader(server), deps);
}

} // namespace foyer::engine

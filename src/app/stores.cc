#include "app/stores.h"

#include <algorithm>
#include <filesystem>

#include "accounts/sql/postgres_store.h"
#include "accounts/sql/sqlite_store.h"
#include "app/policies.h"
#include "config/table.h"
#include "config/values.h"
#include "engine/sql/duty.h"
#include "engine/sql/postgres_store.h"
#include "engine/sql/sqlite_store.h"
#include "io/wake_batch.h"

namespace foyer::app {
namespace {

constexpr Millis kTailEvery{100};   // how often a node reads what others changed; where a bus tells it: in each tick
constexpr std::size_t kReaders = 2; // reading connections to PostgreSQL, for each store

engine::Writers writers_of(const config::Config& config) {
  return config::with_others(config) ? engine::Writers::many : engine::Writers::one;
}

std::string file(const config::Config& config, const char* name) {
  return (std::filesystem::path(config.data) / name).string();
}

// The options that both databases share.
template <class Options>
Options account_options(const config::Config& config, const StoreDeps& deps) {
  Options out{.forgets = deps.forgets, .executor = deps.executor};
  out.keep_audit = std::chrono::days{config.audit.days};
  out.keep_refusals = std::chrono::days{config.audit.refusal_days};
  out.audit_refusals = config.audit.refusals;
  // Sessions and revocations are kept at least until they have no effect any more.
  out.keep_ended = std::max({out.keep_ended, config.accounts.sessions.idle * 2, config.accounts.refresh.idle * 2});
  out.keep_revocations = std::max<Millis>(out.keep_revocations, config.accounts.access_ttl * 2);
  return out;
}

template <class Options>
Options chat_options(const config::Config& config, const StoreDeps& deps) {
  Options out{.policy = config.store, .witness = file(config, "witness"), .executor = deps.executor};
  out.answering = [](const auto& answers) {
    const io::WakeBatch batch; // the answers of a commit are posted to loops
    answers();
  };
  out.policy.rules = room_rules(config);
  return out;
}

} // namespace

store::PostgresOptions server_of(const config::Config& config, const StoreDeps& deps) {
  return {.url = config.database_url, .environment = deps.environment};
}

bool uses_postgres(const config::Config& config) { return config::is_postgres(config.database_url); }

Result<std::unique_ptr<accounts::AccountStore>> open_accounts(const config::Config& config, StoreDeps deps) {
  if (uses_postgres(config)) {
    auto options = account_options<accounts::DatabaseStoreOptions>(config, deps);
    options.readers = kReaders;
    return accounts::open_postgres_store(
        server_of(config, deps), std::move(options), deps.clock, deps.entropy, deps.metrics, deps.log);
  }
  auto options = account_options<accounts::SqliteStoreOptions>(config, deps);
  options.database.survive_power_loss = config.store_sync == config::StoreSync::full;
  return accounts::open_sqlite_store(
      file(config, "accounts.sqlite"), std::move(options), deps.clock, deps.entropy, deps.metrics, deps.log);
}

Result<std::unique_ptr<engine::ChatStore>> open_chat(const config::Config& config, StoreDeps deps) {
  if (uses_postgres(config)) {
    auto options = chat_options<engine::DatabaseStoreOptions>(config, deps);
    options.readers = kReaders;
    options.writers = writers_of(config);
    options.node = deps.node;
    options.about = deps.about;
    if (options.writers == engine::Writers::many) {
      options.duty_life = engine::kDutyLife;
      options.tail_every = config.bus_url.empty() ? kTailEvery : config.cluster_tick;
      options.bus = deps.bus;
    }
    return engine::open_postgres_store(
        server_of(config, deps), std::move(options), deps.clock, deps.entropy, deps.metrics, deps.log);
  }
  auto options = chat_options<engine::SqliteStoreOptions>(config, deps);
  options.survive_power_loss = config.store_sync == config::StoreSync::full;
  options.vfs = deps.vfs;
  return engine::open_sqlite_store(
      file(config, "chat.sqlite"), std::move(options), deps.clock, deps.entropy, deps.metrics, deps.log);
}

Result<std::unique_ptr<engine::OpenHooks>> open_hooks(const config::Config& config, const engine::HookStoreDeps& deps) {
  if (uses_postgres(config)) return engine::open_postgres_hooks({.url = config.database_url}, deps);
  return engine::open_sqlite_hooks(file(config, "chat.sqlite"), deps);
}

Result<std::unique_ptr<engine::OpenAccess>> open_access(const config::Config& config, const engine::AccessDeps& deps) {
  if (uses_postgres(config)) return engine::open_postgres_access({.url = config.database_url}, deps);
  return engine::open_sqlite_access(file(config, "chat.sqlite"), deps);
}

StoresSeen examine_stores(const config::Config& config, const std::string& environment) {
  const store::PostgresOptions server{.url = config.database_url, .environment = environment};
  StoresSeen out;
  const auto note = [&out](Result<bool> result) {
    if (!result) out.wrong.push_back(std::move(result).error());
    return result.value_or(false);
  };
  if (config.role_auth)
    out.accounts_current =
        note(uses_postgres(config) ? accounts::examine_postgres_store(server)
                                   : accounts::examine_sqlite_store(file(config, "accounts.sqlite")));
  const bool reachable = out.wrong.empty() || out.wrong.front().cause != Cause::DATABASE_UNREACHABLE;
  if (config.role_gateway && reachable)
    (void)note(uses_postgres(config) ? engine::examine_postgres_store(server, writers_of(config))
                                     : engine::examine_sqlite_store(file(config, "chat.sqlite")));
  return out;
}

Result<store::SealKey> seal_key(const config::Config& config, store::DataDir& data, Entropy& entropy) {
  if (uses_postgres(config)) return given_seal_key(config);
  TRY(secret, data.secret("store.key", entropy));
  return store::SealKey::from_secret(secret);
}

Result<store::SealKey> given_seal_key(const config::Config& config) {
  if (config.store_key.empty()) return refuse_field(Cause::MISSING_STORE_KEY, "STORE_KEY");
  return store::SealKey::from_secret(config.store_key);
}

Result<void> knows_its_stores(const config::Loaded& loaded) {
  for (const char* option : {"database_url", "store_key"})
    if (loaded.is_broken(option))
      return refuse_field(Cause::INVALID_VALUE, config::env_name(*config::find_option(option)),
          "its value is invalid; `foyer check` says why");
  return {};
}

} // namespace foyer::app

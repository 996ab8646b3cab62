// Which databases an installation has, according to its configuration: SQLite files in the
// data directory, or one PostgreSQL database for accounts and messages. All code that
// opens a store or reads the key of its secrets uses these functions.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "accounts/store.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "config/load.h"
#include "engine/sql/access_store.h"
#include "engine/sql/chat_store.h"
#include "engine/sql/hook_store.h"
#include "store/data_dir.h"
#include "store/lane.h"
#include "store/seal.h"

namespace foyer::app {

// Must outlive the stores.
struct StoreDeps {
  const Clock& clock;
  Entropy& entropy;
  Metrics& metrics;
  Log& log;
  Executor* executor = nullptr; // null: threads of their own
  bool forgets = true;          // deletes old rows; false: a command beside a server
  std::string vfs = {};         // of the SQLite file of the chat; empty: the system's
  std::string environment = {}; // that a PostgreSQL database must belong to; empty: any (a command)
};

// STORE_…, DATABASE_UNREACHABLE, DATA_UNWRITABLE; of the chat also CHAT_STORE_IN_USE.
[[nodiscard]] Result<std::unique_ptr<accounts::AccountStore>> open_accounts(
    const config::Config& config, StoreDeps deps);
[[nodiscard]] Result<std::unique_ptr<engine::ChatStore>> open_chat(const config::Config& config, StoreDeps deps);

// The webhooks, for commands beside a server.
[[nodiscard]] Result<std::unique_ptr<engine::OpenHooks>> open_hooks(
    const config::Config& config, const engine::HookStoreDeps& deps);
// The keys of the server API, blocks and revocations, likewise.
[[nodiscard]] Result<std::unique_ptr<engine::OpenAccess>> open_access(
    const config::Config& config, const engine::AccessDeps& deps);

// What a start would find in the databases that this configuration's roles use, without changing them.
// `environment` as in StoreDeps.
struct StoresSeen {
  std::vector<Refusal> wrong = {};
  bool accounts_current = false; // accounts exist, and opening them changes nothing
};
[[nodiscard]] StoresSeen examine_stores(const config::Config& config, const std::string& environment);

// The key that secrets in the accounts are sealed with: DATA/store.key, created at first use,
// or STORE_KEY with PostgreSQL (MISSING_STORE_KEY, WEAK_SECRET).
[[nodiscard]] Result<store::SealKey> seal_key(const config::Config& config, store::DataDir& data, Entropy& entropy);

[[nodiscard]] Result<store::SealKey> given_seal_key(const config::Config& config); // STORE_KEY

[[nodiscard]] bool uses_postgres(const config::Config& config);

// For commands that load a configuration and check no more of it: a DATABASE_URL or
// STORE_KEY that is set and unusable must not lead to another store. INVALID_VALUE.
[[nodiscard]] Result<void> knows_its_stores(const config::Loaded& loaded);

} // namespace foyer::app

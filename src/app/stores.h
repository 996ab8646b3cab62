// Opens the databases of an installation as its configuration says: SQLite files in the data directory, or one
// PostgreSQL database for accounts and messages. All code that opens a store or reads the key of its secrets uses these
// functions.
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
#include "engine/sql/member_about.h"
#include "store/data_dir.h"
#include "store/lane.h"
#include "store/postgres.h"
#include "store/seal.h"

namespace foyer::app {

// The references must outlive the stores.
struct StoreDeps {
  const Clock& clock;
  Entropy& entropy;
  Metrics& metrics;
  Log& log;
  Executor* executor = nullptr; // null: each store has threads of its own
  bool forgets = true;          // delete old rows; false for a command that runs beside a server
  std::string vfs = {};         // SQLite VFS of the chat's file; empty: the default
  std::string environment = {}; // the environment that a PostgreSQL database must belong to; empty: any (for commands)
  std::string node = {};        // name of this process among several; empty: drawn
  std::string bus = {};         // name of the bus between them; empty: none
  engine::MemberAbout about = {}; // what it says of itself to operators
};

// STORE_…, DATABASE_UNREACHABLE, DATA_UNWRITABLE; of the chat also CHAT_STORE_IN_USE, CLUSTER_MISMATCH.
[[nodiscard]] Result<std::unique_ptr<accounts::AccountStore>> open_accounts(
    const config::Config& config, StoreDeps deps);
[[nodiscard]] Result<std::unique_ptr<engine::ChatStore>> open_chat(const config::Config& config, StoreDeps deps);

// The webhooks, for commands that run beside a server.
[[nodiscard]] Result<std::unique_ptr<engine::OpenHooks>> open_hooks(
    const config::Config& config, const engine::HookStoreDeps& deps);
// The keys of the server API, blocks and revocations, for the same commands.
[[nodiscard]] Result<std::unique_ptr<engine::OpenAccess>> open_access(
    const config::Config& config, const engine::AccessDeps& deps);

// What a server would find when it starts, in the databases that the roles of this configuration use. Changes nothing.
// `environment`: as in StoreDeps.
struct StoresSeen {
  std::vector<Refusal> wrong = {};
  bool accounts_current = false; // accounts exist, and opening them changes nothing
};
[[nodiscard]] StoresSeen examine_stores(const config::Config& config, const std::string& environment);

// The key that seals secrets in the stores: DATA/store.key, created at first use, or STORE_KEY with PostgreSQL.
// MISSING_STORE_KEY, WEAK_SECRET.
[[nodiscard]] Result<store::SealKey> seal_key(const config::Config& config, store::DataDir& data, Entropy& entropy);

[[nodiscard]] Result<store::SealKey> given_seal_key(const config::Config& config); // the value of STORE_KEY

[[nodiscard]] bool uses_postgres(const config::Config& config);
[[nodiscard]] store::PostgresOptions server_of(const config::Config& config, const StoreDeps& deps); // where it does

// For commands that load a configuration without checking all of it: refuses a DATABASE_URL or STORE_KEY that is set
// and invalid, which would otherwise select another store. INVALID_VALUE.
[[nodiscard]] Result<void> knows_its_stores(const config::Loaded& loaded);

} // namespace foyer::app

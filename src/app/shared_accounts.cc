#include "app/shared_accounts.h"

#include <utility>

#include "accounts/sql/lockouts.h"
#include "accounts/sql/shared_writer.h"
#include "app/policies.h"
#include "engine/memory/shared_state.h"
#include "engine/sql/shared_entries.h"

namespace foyer::app {
namespace {

accounts::LockoutPolicies lockout_policies(const config::Config& config) {
  const accounts::AccountsPolicy policy = accounts_policy(config);
  return {.login = policy.lockout, .factor = policy.factor_lockout};
}

} // namespace

SharedAccounts shared_in_memory(const config::Config& config, const Clock& clock) {
  SharedAccounts out;
  out.entries = std::make_unique<engine::MemorySharedState>(clock);
  out.lockouts = std::make_unique<accounts::MemoryLockouts>(clock, lockout_policies(config));
  return out;
}

Result<SharedAccounts> open_shared_accounts(const config::Config& config, const StoreDeps& deps, Executor& control) {
  if (!uses_postgres(config)) return shared_in_memory(config, deps.clock);
  const accounts::LockoutPolicies policies = lockout_policies(config);
  const auto sweep = std::make_shared<accounts::LockoutSweep>(policies);
  accounts::SharedWriterOptions options{
      .upkeep = [sweep](store::Database& db) { return sweep->step(db); }, .executor = deps.executor};
  TRY(writer,
      accounts::open_shared_writer(
          server_of(config, deps), std::move(options), deps.clock, deps.entropy, deps.metrics, deps.log));
  SharedAccounts out;
  out.entries = std::make_unique<engine::SqlSharedEntries>(
      *writer, deps.clock, engine::SharedEntriesOptions{.table = "account_entries", .answers_on = &control});
  out.lockouts = std::make_unique<accounts::SqlLockouts>(*writer, policies, sweep, control);
  out.writer = std::move(writer);
  return out;
}

} // namespace foyer::app

// What auth services agree on beyond the accounts themselves: tickets, nonces of requests, failed guesses. With
// PostgreSQL it is in the accounts' database, for all services there; otherwise in memory, for this one.
#pragma once

#include <memory>

#include "accounts/guard/lockouts.h"
#include "app/stores.h"
#include "base/executor.h"
#include "config/options.h"
#include "engine/shared_state.h"
#include "store/writer.h"

namespace foyer::app {

struct SharedAccounts {
  std::unique_ptr<engine::SharedEntries> entries = {};
  std::unique_ptr<accounts::Lockouts> lockouts = {};
  std::unique_ptr<store::Writer> writer = {}; // null: in memory. It ends before what its jobs use
};

// For the role auth. The causes of open_accounts(); those of `deps`, the clock and `control` must outlive the result.
[[nodiscard]] Result<SharedAccounts> open_shared_accounts(
    const config::Config& config, const StoreDeps& deps, Executor& control);
[[nodiscard]] SharedAccounts shared_in_memory(const config::Config& config, const Clock& clock);

} // namespace foyer::app

// The writer of what all auth services on one PostgreSQL database share: tickets, nonces of requests, failed guesses.
// It has a connection of its own, at READ COMMITTED: each of its jobs changes one row, which it names in `about`.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/postgres.h"
#include "store/writer.h"

namespace foyer::accounts {

struct SharedWriterOptions {
  std::size_t queue_limit = 2'000;                           // jobs that may wait; more: BUSY
  std::function<Result<bool>(store::Database&)> upkeep = {}; // once a second; true: there is more
  Executor* executor = nullptr;                              // null: a thread
};

// The causes of postgres_store.h. All references must outlive the writer.
[[nodiscard]] Result<std::unique_ptr<store::Writer>> open_shared_writer(store::PostgresOptions server,
    SharedWriterOptions options, const Clock& clock, Entropy& entropy, Metrics& metrics, Log& log);

} // namespace foyer::accounts

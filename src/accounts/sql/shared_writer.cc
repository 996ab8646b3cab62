#include "accounts/sql/shared_writer.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "accounts/sql/postgres_schema.h"
#include "accounts/sql/postgres_store.h"
#include "base/bytes.h"
#include "store/postgres_array.h"

namespace foyer::accounts {
namespace {

constexpr std::size_t kSharedBatch = 200; // jobs in one transaction, each of which may need a lock
constexpr Millis kSharedUpkeep{1'000};

std::int64_t lock_number(const std::string& about) {
  std::int64_t number = 0;
  std::memcpy(&number, sha256(about).data(), sizeof number);
  return number;
}

// Two services whose batches change the same rows wait for each other in the same order: none of them is a deadlock.
Result<void> lock_in_order(store::Database& db, std::span<const std::unique_ptr<store::Task>> tasks) {
  std::set<std::int64_t> numbers;
  for (const auto& task : tasks) numbers.insert(lock_number(task->about()));
  if (numbers.size() < 2) return {};
  store::NumberArray list;
  for (const std::int64_t number : numbers) list.add(number);
  TRY(rows, db.query("SELECT pg_advisory_xact_lock(n) FROM unnest(CAST(? AS BIGINT[])) AS n", list.text()));
  return rows.run();
}

} // namespace

Result<std::unique_ptr<store::Writer>> open_shared_writer(store::PostgresOptions server, SharedWriterOptions options,
    const Clock& clock, Entropy& entropy, Metrics& metrics, Log& log) {
  server.isolation = store::Isolation::read_committed;
  store::WriterHooks hooks;
  hooks.begun = lock_in_order;
  hooks.upkeep = std::move(options.upkeep);
  store::WriterOptions writer{.name = "logins",
      .queue_limit = options.queue_limit,
      .batch_limit = kSharedBatch,
      .upkeep_every = kSharedUpkeep,
      .watch_every = kPostgresWatch,
      .entropy = &entropy,
      .executor = options.executor};
  return store::Writer::open(store::postgres_writer(std::move(server), kPostgresAccounts), std::move(writer),
      std::move(hooks), clock, metrics, log);
}

} // namespace foyer::accounts

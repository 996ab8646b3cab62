#include "store/writer.h"

#include <algorithm>
#include <utility>

namespace foyer::store {
namespace {

constexpr Millis kProbeEvery{1'000};

double seconds(std::chrono::nanoseconds t) { return std::chrono::duration<double>(t).count(); }

bool is_of_the_store(const Refusal& refusal) {
  switch (refusal.cause) {
    case Cause::STORE_FULL:
    case Cause::STORE_READ_ONLY:
    case Cause::STORE_LOCKED:
    case Cause::STORE_FAILED: return true;
    default: return false;
  }
}

} // namespace

Writer::Writer(std::string path, WriterOptions options, WriterHooks hooks, const Clock& clock, Metrics& metrics, Log& log)
    : path_(std::move(path)),
      options_(std::move(options)),
      hooks_(std::move(hooks)),
      clock_(clock),
      log_(log),
      queue_gauge_(metrics.gauge("foyer_store_queue", "Jobs that wait for a database's writer.", {{"store", options_.name}})),
      jobs_(metrics.counter("foyer_store_jobs_total", "Jobs that a database's writer has answered.", {{"store", options_.name}})),
      batches_(metrics.counter("foyer_store_commits_total", "Transactions that a database's writer has committed.", {{"store", options_.name}})),
      failures_(metrics.counter("foyer_store_failures_total", "Transactions that a database's writer could not commit.", {{"store", options_.name}})),
      commit_seconds_(metrics.histogram("foyer_store_commit_seconds", "Time from the start of a transaction to the end of its commit.",
                                        {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}, {{"store", options_.name}})) {}

Result<std::unique_ptr<Writer>> Writer::open(const std::string& path, std::span<const std::string_view> migrations, WriterOptions options, WriterHooks hooks, const Clock& clock,
                                             Metrics& metrics, Log& log) {
  std::unique_ptr<Writer> writer(new Writer(path, std::move(options), std::move(hooks), clock, metrics, log));
  TRY(database, Database::open(path, writer->options_.database));
  TRY_VOID(migrate(*database, migrations));
  if (writer->hooks_.opened) TRY_VOID(writer->hooks_.opened(*database));
  writer->database_ = std::move(database);
  writer->next_upkeep_ = clock.mono();
  const auto& o = writer->options_;
  const LaneOptions lane{.name = o.name + "-writer", .queue_limit = o.queue_limit, .batch_limit = o.batch_limit,
                         .idle_every = writer->hooks_.upkeep ? o.upkeep_every : Millis{0}, .executor = o.executor};
  writer->lane_ = std::make_unique<Lane>(lane, [w = writer.get()](Tasks batch) { return w->consume(std::move(batch)); });
  return writer;
}

Writer::~Writer() { close(); }

void Writer::close() {
  if (lane_) lane_->close();
}

std::size_t Writer::queued() const { return lane_->queued(); }

void Writer::start_upkeep() {
  upkeep_asked_.store(true);
  lane_->wake();
}

Result<bool> Writer::probe() {
  Refusal why;
  {
    const std::lock_guard held(failure_mutex_);
    if (!failure_) return true;
    why = *failure_;
    if (clock_.mono() < next_probe_) return std::unexpected(std::move(why));
    next_probe_ = clock_.mono() + kProbeEvery;
  }
  probe_asked_.store(true);
  lane_->wake();
  return std::unexpected(std::move(why));
}

bool Writer::consume(Tasks batch) {
  for (std::size_t i = 0; i < batch.size();) i = run_batch(batch, i);
  jobs_.add(batch.size());
  if (probe_asked_.exchange(false) && batch.empty()) {
    if (auto tried = try_to_write(); tried) succeeded();
    else failed(tried.error());
  }
  return run_upkeep();
}

std::size_t Writer::run_batch(Tasks& tasks, std::size_t first) {
  const MonoTime start = clock_.mono();
  queue_gauge_.set(static_cast<std::int64_t>(lane_->queued()));
  if (auto begun = begin(); !begun) {
    fail(tasks, first, tasks.size(), begun.error());
    return tasks.size();
  }
  std::vector<bool> refused;
  std::size_t i = first;
  while (i < tasks.size()) {
    auto ran = run_in_savepoint(*tasks[i], refused);
    ++i;
    if (!ran) {
      fail(tasks, first, i, ran.error());
      return i;
    }
    if (clock_.mono() - start >= options_.batch_time) break;
  }
  Result<void> committed;
  if (hooks_.before_commit) committed = hooks_.before_commit(*database_);
  if (committed) {
    if (auto changed = database_->change("COMMIT"); !changed) committed = std::unexpected(std::move(changed).error());
  }
  if (!committed) {
    fail(tasks, first, i, committed.error());
    return i;
  }
  commit_seconds_.observe(seconds(clock_.mono() - start));
  batches_.add();
  // A job that failed by itself on the database (full, for one) says more about it than the commit of the others.
  if (std::ranges::find(refused, true) == refused.end()) succeeded();
  for (std::size_t k = first; k < i; ++k) tasks[k]->answer();
  return i;
}

// An error means that the transaction itself is lost. A job that merely refused is
// not an error; `refused` notes for every job whether the database was the reason.
Result<void> Writer::run_in_savepoint(Task& task, std::vector<bool>& refused) {
  TRY_VOID(database_->change("SAVEPOINT job"));
  const Refusal* why = task.work(*database_);
  refused.push_back(why != nullptr && is_of_the_store(*why));
  if (why != nullptr) {
    if (is_of_the_store(*why)) failed(*why);
    if (!database_->in_transaction()) return std::unexpected(*why);
    TRY_VOID(database_->change("ROLLBACK TO job"));
  }
  TRY_VOID(database_->change("RELEASE job"));
  return {};
}

void Writer::fail(Tasks& tasks, std::size_t first, std::size_t last, const Refusal& why) {
  failed(why);
  roll_back();
  for (std::size_t k = first; k < last; ++k) tasks[k]->refuse_with(why);
}

Result<void> Writer::begin() {
  if (reopen_ || !database_) {
    OpenOptions again = options_.database;
    if (again.access == Access::create) again.access = Access::read_write;
    // A vanished file must not come back as an empty one.
    database_.reset();
    TRY(database, Database::open(path_, again));
    database_ = std::move(database);
    reopen_ = false;
  }
  TRY_VOID(database_->change("BEGIN IMMEDIATE"));
  return {};
}

void Writer::roll_back() {
  if (database_ && database_->in_transaction() && !database_->change("ROLLBACK")) reopen_ = true;
  if (hooks_.rolled_back) hooks_.rolled_back();
}

// A change that matters to nobody. It has to alter a byte: SQLite does not write a
// page on which nothing changed.
Result<void> Writer::try_to_write() {
  auto tried = begin();
  if (tried) {
    auto changed = database_->change("UPDATE schema_version SET probed = probed + 1");
    if (changed) changed = database_->change("COMMIT");
    if (!changed) tried = std::unexpected(std::move(changed).error());
  }
  if (!tried) roll_back();
  return tried;
}

bool Writer::run_upkeep() {
  if (!hooks_.upkeep) return false;
  const MonoTime now = clock_.mono();
  if (!upkeep_asked_.exchange(false) && now < next_upkeep_) return false;
  next_upkeep_ = now + options_.upkeep_every;
  if (!begin()) return false;
  auto more = hooks_.upkeep(*database_);
  if (more) {
    if (auto changed = database_->change("COMMIT"); !changed) more = std::unexpected(std::move(changed).error());
  }
  if (!more) {
    roll_back();
    log_.warning("store_upkeep_failed", "The upkeep of a database was put off.",
                 {{"store", options_.name}, {"code", more.error().code()}, {"evidence", more.error().evidence}});
    return false;
  }
  if (*more) next_upkeep_ = now;
  return *more;
}

void Writer::succeeded() {
  {
    const std::lock_guard held(failure_mutex_);
    if (!failure_) return;
    failure_.reset();
  }
  log_.info("store_recovered", "A database takes changes again.", {{"store", options_.name}});
}

void Writer::failed(const Refusal& why) {
  failures_.add();
  if (why.cause == Cause::STORE_READ_ONLY || why.cause == Cause::STORE_FAILED) reopen_ = true;
  {
    const std::lock_guard held(failure_mutex_);
    const bool told = failure_ && failure_->cause == why.cause;
    failure_ = why;
    next_probe_ = clock_.mono() + kProbeEvery;
    if (told) return;
  }
  log_.error("store_failed", "A database does not take changes.", {{"store", options_.name}, {"code", why.code()}, {"evidence", why.evidence}});
}

} // namespace foyer::store

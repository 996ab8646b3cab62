#include "store/writer.h"

#include "base/limit_metrics.h"

#include <algorithm>
#include <utility>

namespace foyer::store {
namespace {

constexpr Millis kProbeEvery{1'000};
constexpr std::size_t kAnsweredAtOnce = 64; // so that those who wait for the first do not wait for the last
constexpr int kTries = 5;                   // of a batch that conflicts with others

double seconds(std::chrono::nanoseconds t) { return std::chrono::duration<double>(t).count(); }

bool is_of_the_store(const Refusal& refusal) {
  switch (refusal.cause) {
    case Cause::STORE_FULL:
    case Cause::STORE_READ_ONLY:
    case Cause::STORE_LOCKED:
    case Cause::STORE_TIMEOUT:
    case Cause::DATABASE_UNREACHABLE:
    case Cause::CHAT_STORE_IN_USE:
    case Cause::CLUSTER_MISMATCH:
    case Cause::POOLER_UNSUITABLE:
    case Cause::STORE_FAILED: return true;
    default: return false;
  }
}

} // namespace

Writer::Writer(Opener opener, WriterOptions options, WriterHooks hooks, const Clock& clock, Metrics& metrics, Log& log)
    : options_(std::move(options)),
      hooks_(std::move(hooks)),
      clock_(clock),
      log_(log),
      queue_gauge_(
          metrics.gauge("foyer_store_queue", "Jobs waiting for the writer of a database.", {{"store", options_.name}})),
      jobs_(metrics.counter(
          "foyer_store_jobs_total", "Jobs completed by the writer of a database.", {{"store", options_.name}})),
      batches_(metrics.counter("foyer_store_commits_total", "Transactions committed by the writer of a database.",
          {{"store", options_.name}})),
      failures_(metrics.counter("foyer_store_failures_total",
          "Transactions that the writer of a database could not commit.", {{"store", options_.name}})),
      repeats_(metrics.counter("foyer_store_repeats_total",
          "Transactions that conflicted with another process and were repeated.", {{"store", options_.name}})),
      commit_seconds_(metrics.histogram("foyer_store_commit_seconds",
          "Time from the start of a transaction to the end of its commit.",
          {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}, {{"store", options_.name}})),
      connection_(std::move(opener), clock, options_.entropy, options_.reached) {}

Result<std::unique_ptr<Writer>> Writer::open(
    Opener opener, WriterOptions options, WriterHooks hooks, const Clock& clock, Metrics& metrics, Log& log) {
  std::unique_ptr<Writer> writer(
      new Writer(std::move(opener), std::move(options), std::move(hooks), clock, metrics, log));
  TRY(database, writer->connection_.get());
  if (writer->hooks_.opened) TRY_VOID(writer->hooks_.opened(*database));
  writer->next_upkeep_ = clock.mono();
  const auto& o = writer->options_;
  Millis idle_every = writer->hooks_.upkeep ? o.upkeep_every : Millis{0};
  if (o.watch_every.count() > 0 && (idle_every.count() == 0 || o.watch_every < idle_every)) idle_every = o.watch_every;
  const LaneOptions lane{.name = o.name + "-writer",
      .queue_limit = o.queue_limit,
      .batch_limit = o.batch_limit,
      .idle_every = idle_every,
      .executor = o.executor,
      .refused = o.limit.empty() ? nullptr : &limit_refusals(metrics, o.limit),
      .gathers = true};
  writer->lane_ =
      std::make_unique<Lane>(lane, [w = writer.get()](Tasks batch) { return w->consume(std::move(batch)); });
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
  if (batch.empty()) watch();
  return run_upkeep();
}

// When idle: after a failure, does it work again? And is the connection still there?
void Writer::watch() {
  bool due = probe_asked_.exchange(false);
  if (options_.watch_every.count() > 0) {
    due = due || (connection_.now() != nullptr && !connection_.now()->check());
    const std::lock_guard held(failure_mutex_);
    due = due || (failure_ && clock_.mono() >= next_probe_);
  }
  if (!due) return;
  if (auto tried = try_to_write(); tried)
    succeeded();
  else
    failed(tried.error());
}

std::size_t Writer::run_batch(Tasks& tasks, std::size_t first) {
  const MonoTime start = clock_.mono();
  queue_gauge_.set(static_cast<std::int64_t>(lane_->queued()));
  std::size_t end = tasks.size();
  bool sorted = false; // what others hold is behind the end
  for (int tries = 1;; ++tries) {
    Try one;
    auto done = try_batch(tasks, first, end, one);
    if (done) {
      commit_seconds_.observe(seconds(clock_.mono() - start));
      batches_.add();
      // A job that failed on the database itself (full, for one) says more about it than the commit of the others.
      if (one.well) succeeded();
      answer(tasks, first, one.last);
      if (hooks_.committed) hooks_.committed();
      return one.last;
    }
    if (tries < kTries && database_ != nullptr && database_->may_succeed_again()) {
      repeats_.add();
      roll_back();
      continue;
    }
    bool by_others = false; // held, and nothing is wrong with the database
    if (one.waited && hooks_.held && !std::exchange(sorted, true)) {
      const auto rest = others_first(tasks, first);
      by_others = rest.has_value();
      if (by_others && *rest > first) {
        end = *rest;
        continue;
      }
    }
    if (!by_others) failed(done.error());
    roll_back();
    refuse_all(tasks, first, one.last, done.error());
    return one.last;
  }
}

std::optional<std::size_t> Writer::others_first(Tasks& tasks, std::size_t first) {
  roll_back();
  if (!begin()) return std::nullopt;
  auto held = hooks_.held(*database_, std::span(tasks).subspan(first));
  roll_back();
  if (!held) return std::nullopt;
  const auto rest = std::stable_partition(tasks.begin() + static_cast<std::ptrdiff_t>(first), tasks.end(),
      [&](const auto& task) { return std::ranges::find(*held, task->about()) == held->end(); });
  return static_cast<std::size_t>(rest - tasks.begin());
}

Result<void> Writer::try_batch(Tasks& tasks, std::size_t first, std::size_t end, Try& one) {
  one.last = end;
  TRY_VOID(begin());
  if (hooks_.begun) {
    auto begun = hooks_.begun(*database_, std::span(tasks).subspan(first, end - first));
    one.waited = !begun && begun.error().cause == Cause::STORE_TIMEOUT;
    if (!begun) return begun;
  }
  const MonoTime start = clock_.mono(); // without the wait for locks that others hold
  one.last = first;
  while (one.last < end) {
    TRY_VOID(run_in_savepoint(*tasks[one.last++], one.well));
    if (clock_.mono() - start >= options_.batch_time) break;
  }
  if (hooks_.before_commit) TRY_VOID(hooks_.before_commit(*database_));
  return database_->commit();
}

// An error means that the transaction itself is lost. A job that only refused is
// not an error; `well` becomes false if the database was the reason.
Result<void> Writer::run_in_savepoint(Task& task, bool& well) {
  TRY_VOID(database_->save());
  const Refusal* why = task.work(*database_);
  if (why != nullptr) {
    if (!database_->in_transaction() || database_->may_succeed_again()) return std::unexpected(*why);
    if (is_of_the_store(*why)) {
      well = false;
      failed(*why);
    }
    TRY_VOID(database_->roll_back_to_save());
  }
  return database_->drop_save();
}

void Writer::answer(Tasks& tasks, std::size_t first, std::size_t last) {
  while (first < last) {
    const std::size_t end = hooks_.answering ? std::min(last, first + kAnsweredAtOnce) : last;
    const auto part = [&] {
      while (first < end) tasks[first++]->answer();
    };
    if (hooks_.answering)
      hooks_.answering(part);
    else
      part();
  }
}

void Writer::refuse_all(Tasks& tasks, std::size_t first, std::size_t last, const Refusal& why) {
  for (std::size_t k = first; k < last; ++k) tasks[k]->refuse_with(why);
}

Result<void> Writer::begin() {
  if (reopen_) connection_.drop();
  reopen_ = false;
  database_ = nullptr;
  TRY(database, connection_.get());
  database_ = database;
  return database_->begin(Begin::write);
}

void Writer::roll_back() {
  if (database_ != nullptr && database_->in_transaction() && !database_->roll_back()) reopen_ = true;
  if (hooks_.rolled_back) hooks_.rolled_back();
}

Result<void> Writer::try_to_write() {
  auto tried = begin();
  if (tried) tried = database_->touch();
  if (tried) tried = database_->commit();
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
    if (auto committed = database_->commit(); !committed) more = std::unexpected(std::move(committed).error());
  }
  if (!more) {
    const bool again = database_->may_succeed_again();
    roll_back();
    if (again) {
      next_upkeep_ = now;
      return true;
    }
    log_.warning("store_upkeep_failed", "The maintenance of a database was postponed.",
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
  log_.info("store_recovered", "A database accepts changes again.", {{"store", options_.name}});
}

void Writer::failed(const Refusal& why) {
  failures_.add();
  if (database_ != nullptr && !database_->usable_after(why)) reopen_ = true;
  {
    const std::lock_guard held(failure_mutex_);
    const bool logged = failure_ && failure_->cause == why.cause;
    failure_ = why;
    next_probe_ = clock_.mono() + kProbeEvery;
    if (logged) return;
  }
  log_.error("store_failed", "A database does not accept changes.",
      {{"store", options_.name}, {"code", why.code()}, {"evidence", why.evidence}});
}

} // namespace foyer::store

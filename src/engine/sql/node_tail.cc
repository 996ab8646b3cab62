#include "engine/sql/node_tail.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <thread>
#include <utility>

#include "engine/sql/changed_rooms.h"
#include "engine/sql/control_log.h"
#include "engine/sql/held_back.h"

namespace foyer::engine {
namespace {

constexpr Millis kBetween{2};         // at least, between two readings, and between two notifications
constexpr Millis kLookForHeld{1'000}; // between two looks for a transaction that is held open
constexpr Millis kWhileAway{100};     // between two looks whether the next try to connect is due

} // namespace

struct NodeTail::State {
  State(store::Opener opener, NodeTailOptions o, const Clock& c, Metrics& metrics, Log& l)
      : options(std::move(o)),
        clock(c),
        log(l),
        connection(std::move(opener), c, nullptr, options.reached),
        readings(metrics.counter("foyer_node_tail_readings_total", "Readings of what other nodes changed.")),
        failures(
            metrics.counter("foyer_node_tail_failures_total", "Readings of what other nodes changed that failed.")),
        held(metrics.gauge("foyer_transaction_held_open_seconds",
            "Age of a transaction that is held open on the PostgreSQL server, if it is more than 5 s.")),
        wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    const auto last = read_at;
    metrics.gauge_callback("foyer_node_tail_lag_seconds", "Time since this node last read what the others changed.",
        [last, &c] { return std::chrono::duration<double>(c.mono() - last->load()).count(); });
    if (wake < 0) throw std::runtime_error("no descriptor for the tail of the nodes");
  }
  ~State() { ::close(wake); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  const NodeTailOptions options;
  const Clock& clock;
  Log& log;
  store::Connection connection;
  Counter& readings;
  Counter& failures;
  Gauge& held;
  const int wake;
  std::atomic<bool> told{true}; // committed() was followed by a notification
  std::atomic<bool> stopped{false};
  const std::shared_ptr<std::atomic<MonoTime>> read_at = std::make_shared<std::atomic<MonoTime>>(clock.mono());
  std::atomic<Millis::rep> held_open{0}; // ms
  std::function<std::shared_ptr<const LogWatch>()> watch;
  std::vector<std::shared_ptr<TailSource>> sources;
  std::thread thread;

  // Of the thread.
  std::uint64_t set_up_in = 0; // the opening of the connection that was set up
  ChangedRooms rooms;
  ControlLog control;
  std::vector<ControlRow> reported; // in the last reading, in which rows may come again
  HeldBack held_back;
  bool warned_of_held = false;
  bool warned_of_failure = false;
  MonoTime next_reading{}, next_notice{}, next_look{};

  void run();
  void wait(store::Database* db);
  [[nodiscard]] Result<void> round(store::Database& db);
  [[nodiscard]] Result<void> set_up(store::Database& db);
  [[nodiscard]] Result<void> read(store::Database& db, const LogWatch& to);
  [[nodiscard]] Result<void> read_changes(store::Database& db, const LogWatch& to, MonoTime now);
  [[nodiscard]] Result<void> look_for_held(store::Database& db, MonoTime now);
  void report_held(MonoTime now);
  void failed(const Refusal& why);
  void wake_up() const { static_cast<void>(::eventfd_write(wake, 1)); }
};

void NodeTail::State::run() {
  while (!stopped.load()) {
    auto db = connection.get();
    if (!db) {
      failed(db.error());
      wait(nullptr);
      continue;
    }
    if (auto done = round(**db); !done) {
      failed(done.error());
      connection.drop();
      wait(nullptr);
      continue;
    }
    wait(*db);
  }
}

Result<void> NodeTail::State::round(store::Database& db) {
  if (set_up_in != connection.openings()) TRY_VOID(set_up(db));
  if (clock.mono() >= next_notice && !told.exchange(true)) {
    next_notice = clock.mono() + kBetween;
    if (auto sent = db.script(fmt::format("NOTIFY {}", options.channel)); !sent) {
      told = false;
      return sent;
    }
  }
  if (clock.mono() < next_reading) return {};
  const auto to = watch();
  next_reading = clock.mono() + options.every;
  if (!to) return {};
  TRY_VOID(read(db, *to));
  warned_of_failure = false;
  return {};
}

// A lost notification costs nothing, so no commit of one waits for the disk or a standby.
Result<void> NodeTail::State::set_up(store::Database& db) {
  TRY_VOID(db.script(fmt::format("SET synchronous_commit = off; LISTEN {}", options.channel)));
  set_up_in = connection.openings();
  rooms.reconnected();
  control.reconnected();
  held_back.forget();
  for (const auto& source : sources) source->began_anew();
  next_reading = clock.mono();
  return {};
}

Result<void> NodeTail::State::read(store::Database& db, const LogWatch& to) {
  const MonoTime now = clock.mono();
  TRY_VOID(read_changes(db, to, now));
  for (const auto& source : sources) TRY_VOID(source->read(db, now));
  TRY_VOID(look_for_held(db, now));
  readings.add();
  read_at->store(clock.mono());
  if (to.current) to.current(now);
  return {};
}

Result<void> NodeTail::State::read_changes(store::Database& db, const LogWatch& to, MonoTime now) {
  // Both begin anew before anybody confirms anything, so that nothing falls in between.
  TRY(moved, rooms.read(db, now));
  if (!moved) TRY_VOID(rooms.start(db, {}, now));
  TRY(taken, control.read(db, now));
  if (!moved || !taken) {
    reported.clear();
    if (to.missed) to.missed();
    return {};
  }
  if (!moved->empty() && to.moved) to.moved(*moved);
  std::vector<ControlRow> fresh;
  for (const ControlRow& row : *taken)
    if (std::ranges::find(reported, row) == reported.end()) fresh.push_back(row);
  reported = std::move(*taken);
  if (!fresh.empty() && to.taken) to.taken(fresh);
  return {};
}

Result<void> NodeTail::State::look_for_held(store::Database& db, MonoTime now) {
  if (now < next_look) return {};
  next_look = now + kLookForHeld;
  {
    TRY(rows,
        db.query("SELECT CAST(pg_snapshot_xmin(s) AS TEXT), pg_snapshot_xmin(s) < pg_snapshot_xmax(s) FROM "
                 "pg_current_snapshot() s"));
    TRY(there, rows.step());
    if (there) held_back.saw(rows.text(0), rows.integer(1) != 0, now);
  }
  report_held(now);
  return {};
}

void NodeTail::State::report_held(MonoTime now) {
  const auto age = held_back.held(now);
  held_open = age ? age->count() : 0;
  held.set(age ? std::chrono::duration_cast<std::chrono::seconds>(*age).count() : 0);
  if (age && !warned_of_held)
    log.warning(std::string(code_of(Cause::TRANSACTION_HELD_OPEN)),
        std::string(info(Cause::TRANSACTION_HELD_OPEN).operator_text),
        {{"next", std::string(info(Cause::TRANSACTION_HELD_OPEN).next)}});
  warned_of_held = age.has_value();
}

void NodeTail::State::failed(const Refusal& why) {
  failures.add();
  if (std::exchange(warned_of_failure, true)) return;
  log.warning("node_tail_failed", "What other nodes do cannot be read at the moment.",
      {{"code", why.code()}, {"evidence", why.evidence}});
}

// Until it is time to read or to notify, or somebody else has committed.
void NodeTail::State::wait(store::Database* db) {
  while (!stopped.load()) {
    const MonoTime now = clock.mono();
    MonoTime until = db == nullptr ? now + kWhileAway : next_reading;
    if (db != nullptr && !told.load()) until = std::min(until, std::max(next_notice, now));
    const Millis left = std::chrono::ceil<Millis>(until - now);
    if (left.count() <= 0) return;
    if (db == nullptr) {
      std::this_thread::sleep_for(left);
      return;
    }
    auto notified = db->await_notification(left, wake);
    eventfd_t count = 0;
    static_cast<void>(::eventfd_read(wake, &count));
    if (!notified) return; // the next statement says why
    if (*notified) next_reading = std::min(next_reading, clock.mono() + kBetween);
  }
}

NodeTail::NodeTail(store::Opener opener, NodeTailOptions options, const Clock& clock, Metrics& metrics, Log& log)
    : state_(std::make_unique<State>(std::move(opener), std::move(options), clock, metrics, log)) {}

NodeTail::~NodeTail() { stop(); }

void NodeTail::add(std::shared_ptr<TailSource> source) { state_->sources.push_back(std::move(source)); }

void NodeTail::start(std::function<std::shared_ptr<const LogWatch>()> watch) {
  state_->watch = std::move(watch);
  state_->thread = std::thread([state = state_.get()] {
    pthread_setname_np(pthread_self(), "node-tail");
    state->run();
  });
}

void NodeTail::committed() {
  if (state_->told.exchange(false)) state_->wake_up();
}

Millis NodeTail::held_open() const { return Millis{state_->held_open.load()}; }

const std::shared_ptr<store::Reached>& NodeTail::reached() const { return state_->options.reached; }

void NodeTail::stop() {
  if (!state_->thread.joinable()) return;
  state_->stopped = true;
  state_->wake_up();
  state_->thread.join();
}

} // namespace foyer::engine

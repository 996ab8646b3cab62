#include "engine/sql/signals.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"
#include "engine/sql/postgres_schema.h"
#include "rooms/model/packed.h"

namespace foyer::engine {
namespace {

constexpr std::uint8_t kRowVersion = 1;
constexpr std::size_t kMostNodeBytes = 128;
constexpr std::array<TailTable, 1> kSignalTables{
    {{.from_another_history = "DELETE FROM signals WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())",
        .below = "DELETE FROM signals WHERE xid < CAST(CAST(? AS TEXT) AS XID8)"}}};
constexpr std::string_view kInsertSignals = "INSERT INTO signals (sender, number, bytes) VALUES (?, ?, ?)";
// From the number that is given, or with an empty text only where the next reading begins.
constexpr std::string_view kReadSignals =
    "SELECT CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT), s.sender, s.number, s.bytes FROM (SELECT 1) one "
    "LEFT JOIN signals s ON s.xid >= CAST(NULLIF(CAST(?1 AS TEXT), '') AS XID8) AND s.sender <> ?2 ORDER BY s.number";
constexpr std::string_view kTrimRows =
    "DELETE FROM signals WHERE xid <= (SELECT xid FROM signals ORDER BY xid DESC OFFSET ? LIMIT 1)";

} // namespace

Signals::Signals(SignalOptions options, const Clock& clock, Metrics& metrics)
    : node_(std::move(options.node)),
      committed_(std::move(options.committed)),
      clock_(clock),
      meter_(metrics, "signal_bytes", kMostSignalBytesWaiting),
      unsent_(metrics.counter(
          "foyer_signals_unsent_total", "What this node did not tell the others: no room for it, or no database.")),
      lost_(metrics.counter("foyer_signals_lost_total",
          "How often something was missing of what others told: not written, or deleted before it was read.")),
      trim_(kSignalTables) {}

Result<std::unique_ptr<Signals>> Signals::open(
    store::Opener writing, SignalOptions options, const Clock& clock, Metrics& metrics, Log& log) {
  store::WriterOptions writer{.name = "signals",
      .upkeep_every = kSignalTrim,
      .entropy = &system_entropy(),
      .reached = options.reached,
      .executor = options.executor};
  std::unique_ptr<Signals> signals(new Signals(std::move(options), clock, metrics));
  TRY_VOID(signals->start(std::move(writing), std::move(writer), metrics, log));
  return signals;
}

Result<void> Signals::start(store::Opener writing, store::WriterOptions options, Metrics& metrics, Log& log) {
  store::WriterHooks hooks;
  hooks.upkeep = [this](store::Database& db) { return trim(db); };
  TRY(writer, store::Writer::open(std::move(writing), std::move(options), std::move(hooks), clock_, metrics, log));
  writer_ = std::move(writer);
  return {};
}

Signals::~Signals() { writer_->close(); }

// --- writing ---

bool Signals::send(SignalKind kind, const std::optional<NodeId>& to, std::string_view bytes) {
  {
    const std::lock_guard held(mutex_);
    if (bytes.size() > kMostSignalBytes || bytes_ + bytes.size() > kMostSignalBytesWaiting) {
      ++counts_.unsent;
      unsent_.add();
      meter_.refused();
      return false;
    }
    rooms::PackedWriter out;
    const bool begins = waiting_.empty() || waiting_.back().bytes.size() >= kSignalRowBytes;
    if (begins) out.byte(kRowVersion);
    out.byte(static_cast<std::uint8_t>(kind));
    out.text(to ? to->view() : std::string_view{});
    out.text(bytes);
    if (begins) waiting_.emplace_back();
    const std::string packed = out.take();
    waiting_.back().bytes += packed;
    ++waiting_.back().signals;
    meter_.used(bytes_ += packed.size());
    if (std::exchange(asked_, true)) return true;
  }
  const auto rows = std::make_shared<Rows>();
  writer_->submit<bool>([this, rows](store::Database& db) { return write(db, *rows); },
      [this, rows](const Result<bool>& done) { written(*rows, done); });
  return true;
}

// It may run again after a conflict, with the same rows.
Result<bool> Signals::write(store::Database& db, Rows& rows) {
  if (rows.empty()) {
    const std::lock_guard held(mutex_);
    asked_ = false;
    rows = std::exchange(waiting_, {});
    for (Row& row : rows) row.number = ++number_;
  }
  for (const Row& row : rows) TRY_VOID(db.change(kInsertSignals, node_, row.number, base64url_encode(row.bytes)));
  return !rows.empty();
}

void Signals::written(const Rows& rows, const Result<bool>& done) {
  {
    const std::lock_guard held(mutex_);
    const auto over = [this](const Rows& all) {
      for (const Row& row : all) bytes_ -= std::min(bytes_, row.bytes.size());
    };
    over(rows);
    if (!done) { // what waits now would come too late to be worth much
      asked_ = false;
      ++number_; // so that readers see that some are missing
      over(waiting_);
      for (const Rows* all : {&rows, static_cast<const Rows*>(&waiting_)})
        for (const Row& row : *all) {
          counts_.unsent += row.signals;
          unsent_.add(row.signals);
        }
      waiting_.clear();
    }
    meter_.used(bytes_);
  }
  if (done && *done && committed_) committed_();
}

Result<bool> Signals::trim(store::Database& db) {
  TRY_VOID(trim_.step(db, clock_.mono()));
  TRY_VOID(db.change(kTrimRows, kMostSignalRows));
  return false;
}

// --- reading ---

void Signals::receive(SignalKind kind, Receiver receiver) {
  const std::lock_guard held(receiving_);
  receivers_[kind] = std::move(receiver);
}

Result<void> Signals::read(store::Database& db, MonoTime now) {
  const std::string from = tail_.from(now);
  std::vector<Found> found;
  std::string next;
  {
    TRY(rows, db.query(kReadSignals, from, node_));
    for (;;) {
      TRY(more, rows.step());
      if (!more) break;
      next = rows.text(0);
      if (!rows.is_null(1)) found.push_back({rows.text(1), rows.count(2), rows.text(3)});
    }
  }
  tail_.read(std::move(next), now);
  bool lost = from.empty() && began_;
  began_ = true;
  std::erase_if(found, [&](const Found& row) { return !is_next(row, now, lost); });
  if (lost) tell_lost();
  for (const Found& row : found) deliver(row);
  const std::lock_guard held(senders_mutex_);
  std::erase_if(senders_, [now](const auto& entry) { return now - entry.second.seen > 2 * kTailKept; });
  return {};
}

bool Signals::is_next(const Found& row, MonoTime now, bool& lost) {
  const std::lock_guard held(senders_mutex_);
  if (senders_.size() >= kMostSenders && !senders_.contains(row.sender)) return false;
  const auto [entry, is_new] = senders_.try_emplace(row.sender);
  Sender& sender = entry->second;
  sender.seen = now;
  if (row.number <= sender.last) return false;
  lost = lost || (!is_new && row.number > sender.last + 1);
  sender.last = row.number;
  sender.at = now;
  return true;
}

void Signals::deliver(const Found& row) {
  const auto bytes = base64url_decode(row.bytes);
  rooms::PackedReader in(bytes ? std::string_view(*bytes) : std::string_view{});
  if (in.byte() != kRowVersion) in.fail();
  while (!in.failed() && !in.whole()) {
    const auto kind = static_cast<SignalKind>(in.byte());
    const std::string to = in.text(kMostNodeBytes);
    const std::string_view content = in.bytes(kMostSignalBytes);
    if (in.failed() || (!to.empty() && to != node_.view())) continue;
    const std::lock_guard held(receiving_);
    const auto receiver = receivers_.find(kind);
    if (receiver != receivers_.end() && receiver->second.received) receiver->second.received(content);
  }
  if (in.failed()) ++counts_.unreadable;
}

void Signals::tell_lost() {
  ++counts_.lost;
  lost_.add();
  const std::lock_guard held(receiving_);
  for (const auto& [kind, receiver] : receivers_)
    if (receiver.lost) receiver.lost();
}

std::vector<Signals::Heard> Signals::heard() const {
  const std::lock_guard held(senders_mutex_);
  std::vector<Heard> out;
  for (const auto& [node, sender] : senders_)
    out.push_back({.node = NodeId(node), .number = sender.last, .at = sender.at});
  return out;
}

Result<std::unique_ptr<Signals>> open_postgres_signals(
    store::PostgresOptions server, SignalOptions options, const Clock& clock, Metrics& metrics, Log& log) {
  server.isolation = store::Isolation::read_committed;
  return Signals::open(
      store::postgres_writer(std::move(server), kPostgresChat), std::move(options), clock, metrics, log);
}

} // namespace foyer::engine

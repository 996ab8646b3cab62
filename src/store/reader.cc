#include "store/reader.h"

#include <algorithm>

namespace foyer::store {
namespace {

constexpr std::size_t kBatch = 1; // so that the next owner is chosen as late as possible

} // namespace

Reader::Reader(ReaderOptions options, Metrics& metrics, Log& log)
    : options_(std::move(options)),
      log_(log),
      queue_gauge_(metrics.gauge(
          "foyer_store_read_queue", "Jobs waiting for the readers of a database.", {{"store", options_.name}})),
      failures_(metrics.counter(
          "foyer_store_read_failures_total", "Reads that failed in a database.", {{"store", options_.name}})) {}

Result<std::unique_ptr<Reader>> Reader::open(
    Opener opener, ReaderOptions options, const Clock& clock, Metrics& metrics, Log& log) {
  std::unique_ptr<Reader> reader(new Reader(std::move(options), metrics, log));
  const auto& o = reader->options_;
  const std::size_t count = std::max<std::size_t>(1, o.connections);
  const LaneOptions lane{.name = o.name + "-reader",
      .queue_limit = std::max<std::size_t>(1, o.queue_limit / count),
      .batch_limit = kBatch,
      .executor = o.executor};
  for (std::size_t i = 0; i < count; ++i) {
    auto line = std::make_unique<Line>(Line{.connection = Connection(opener, clock, o.entropy, o.reached)});
    if (i == 0) TRY_VOID(line->connection.get());
    line->lane = std::make_unique<Lane>(lane, [r = reader.get(), l = line.get()](Tasks tasks) {
      for (auto& task : tasks) r->run(*l, *task);
      return false;
    });
    reader->lines_.push_back(std::move(line));
  }
  return reader;
}

Reader::~Reader() { close(); }

void Reader::close() {
  for (auto& line : lines_) line->lane->close();
}

std::size_t Reader::queued() const {
  std::size_t sum = 0;
  for (const auto& line : lines_) sum += line->lane->queued();
  return sum;
}

Lane& Reader::least_busy() {
  if (lines_.size() == 1) return *lines_.front()->lane;
  return *(*std::ranges::min_element(lines_, {}, [](const auto& line) { return line->lane->queued(); }))->lane;
}

void Reader::run(Line& line, Task& task) {
  queue_gauge_.set(static_cast<std::int64_t>(queued()));
  for (bool first = true;; first = false) {
    auto database = line.connection.get();
    if (!database) {
      failed(database.error());
      return task.refuse_with(database.error());
    }
    const bool again = first; // a lost connection is no failure yet: a read may be repeated
    if (auto begun = (*database)->begin(Begin::read); !begun) {
      line.connection.drop();
      if (again && begun.error().cause == Cause::DATABASE_UNREACHABLE) continue;
      failed(begun.error());
      return task.refuse_with(begun.error());
    }
    const Refusal* why = task.work(**database);
    const bool keep = why == nullptr || (*database)->usable_after(*why);
    if (!keep) {
      line.connection.drop();
      if (again && why->cause == Cause::DATABASE_UNREACHABLE) continue;
    }
    if (why != nullptr && why->step() == Step::store)
      failed(*why);
    else
      logged_.store(-1, std::memory_order_relaxed);
    // The end of a read-only transaction changes nothing for the caller.
    task.answer();
    if (keep && !(*database)->commit()) line.connection.drop();
    return;
  }
}

void Reader::failed(const Refusal& why) {
  failures_.add();
  if (logged_.exchange(static_cast<int>(why.cause)) == static_cast<int>(why.cause)) return;
  log_.error("store_read_failed", "A database could not be read.",
      {{"store", options_.name}, {"code", why.code()}, {"evidence", why.evidence}});
}

} // namespace foyer::store

#include "store/reader.h"

namespace foyer::store {
namespace {

constexpr std::size_t kBatch = 64;

OpenOptions for_reading(OpenOptions options) {
  options.access = Access::read_only;
  return options;
}

} // namespace

Reader::Reader(std::string path, ReaderOptions options, Metrics& metrics, Log& log)
    : path_(std::move(path)),
      options_(std::move(options)),
      log_(log),
      queue_gauge_(metrics.gauge("foyer_store_read_queue", "Jobs that wait for a database's reader.", {{"store", options_.name}})),
      failures_(metrics.counter("foyer_store_read_failures_total", "Reads that a database refused.", {{"store", options_.name}})) {}

Result<std::unique_ptr<Reader>> Reader::open(const std::string& path, ReaderOptions options, Metrics& metrics, Log& log) {
  std::unique_ptr<Reader> reader(new Reader(path, std::move(options), metrics, log));
  TRY(database, Database::open(path, for_reading(reader->options_.database)));
  reader->database_ = std::move(database);
  const LaneOptions lane{.name = reader->options_.name + "-reader", .queue_limit = reader->options_.queue_limit, .batch_limit = kBatch, .executor = reader->options_.executor};
  reader->lane_ = std::make_unique<Lane>(lane, [r = reader.get()](Tasks tasks) {
    for (auto& task : tasks) r->run(*task);
    return false;
  });
  return reader;
}

Reader::~Reader() { close(); }

void Reader::close() {
  if (lane_) lane_->close();
}

std::size_t Reader::queued() const { return lane_->queued(); }

void Reader::run(Task& task) {
  queue_gauge_.set(static_cast<std::int64_t>(lane_->queued()));
  if (!database_) {
    auto opened = Database::open(path_, for_reading(options_.database));
    if (!opened) {
      failures_.add();
      task.refuse_with(opened.error());
      return;
    }
    database_ = std::move(*opened);
  }
  if (auto begun = database_->change("BEGIN"); !begun) {
    failures_.add();
    database_.reset();
    task.refuse_with(begun.error());
    return;
  }
  const Refusal* why = task.work(*database_);
  const bool broken = why != nullptr && why->cause == Cause::STORE_FAILED;
  if (why != nullptr && why->step() == Step::store) {
    failures_.add();
    log_.error("store_read_failed", "A database could not be read.", {{"store", options_.name}, {"code", why->code()}, {"evidence", why->evidence}});
  }
  if (!database_->change("COMMIT") || broken) database_.reset();
  task.answer();
}

} // namespace foyer::store

#include "observe/refusals.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/http.h"
#include "base/ip_address.h"

namespace foyer::observe {
namespace {

std::size_t index_of(Cause cause) { return static_cast<std::size_t>(cause); }

// Faults that the operator must fix are warnings; a client's own faults are not.
Level level_of(const CauseInfo& info) {
  return info.who == Who::operator_ || info.http >= 500 ? Level::warning : Level::info;
}

} // namespace

bool RefusalRing::record(RefusalRecord record) {
  const std::scoped_lock lock(mutex_);
  auto& same_code = by_cause_[record.refusal.cause];
  for (auto it = same_code.rbegin(); it != same_code.rend(); ++it) {
    Entry& entry = **it;
    if (entry.record.address != record.address) continue;
    const auto apart = record.time - entry.record.time;
    if (apart >= kSame || apart <= -kSame) break;
    ++entry.record.count;
    if (entry.counted.size() < kRefsPerRecord) entry.counted.push_back(std::move(record.ref));
    return false;
  }
  std::string network = network_of(record.address);
  if (same_code.size() == kPerCode)
    drop_of_largest_share(same_code, network, record.address);
  else if (entries_.size() == kInAll)
    drop_of_largest_share(largest_code(), network, record.address);
  entries_.push_back({.record = std::move(record), .network = std::move(network), .counted = {}});
  same_code.push_back(std::prev(entries_.end()));
  return true;
}

std::deque<RefusalRing::Entries::iterator>& RefusalRing::largest_code() {
  return std::ranges::max_element(by_cause_, {}, [](const auto& of) { return of.second.size(); })->second;
}

void RefusalRing::drop_of_largest_share(
    std::deque<Entries::iterator>& same_code, const std::string& network, const std::string& address) {
  std::unordered_map<std::string_view, std::size_t> networks, addresses;
  ++networks[network];
  ++addresses[address];
  for (const auto& it : same_code) {
    ++networks[it->network];
    ++addresses[it->record.address];
  }
  // Of equal ones the first, which is the oldest.
  const auto share = [&](const Entries::iterator& it) {
    return std::pair(networks[it->network], addresses[it->record.address]);
  };
  const auto most = std::ranges::max_element(same_code, {}, share);
  entries_.erase(*most);
  same_code.erase(most);
}

std::vector<RefusalRecord> RefusalRing::find(const RefusalFilter& filter) const {
  std::vector<RefusalRecord> found;
  const std::size_t limit = std::min(filter.limit, kMostAsked);
  const std::scoped_lock lock(mutex_);
  for (auto it = entries_.rbegin(); it != entries_.rend() && found.size() < limit; ++it) {
    if (filter.cause && it->record.refusal.cause != *filter.cause) continue;
    if (filter.ref && it->record.ref != *filter.ref && std::ranges::find(it->counted, *filter.ref) == it->counted.end())
      continue;
    found.push_back(it->record);
    if (filter.ref) found.back().ref = *filter.ref;
  }
  return found;
}

std::size_t RefusalRing::size() const {
  const std::scoped_lock lock(mutex_);
  return entries_.size();
}

std::size_t RefusalReporter::KeyHash::operator()(const Key& key) const noexcept {
  return std::hash<std::string>{}(key.address) * 31 + index_of(key.cause);
}

RefusalReporter::RefusalReporter(RefusalRing& ring, Metrics& metrics, Log& log, const Clock& clock)
    : ring_(ring),
      log_(log),
      clock_(clock),
      budgets_(all_causes().size()) {
  counters_.reserve(all_causes().size());
  for (const CauseInfo& cause : all_causes()) {
    counters_.push_back(&metrics.counter("foyer_refusals_total", "Refused connections and commands by cause",
        {{"code", std::string(cause.code)}, {"step", std::string(to_string(cause.step))}}));
  }
}

void RefusalReporter::report(RefusalRecord record) {
  record.path = shown_path(record.path);
  record.time = clock_.wall();
  const CauseInfo& info = record.refusal.info();
  counters_[index_of(info.cause)]->add();
  const MonoTime now = clock_.mono();
  std::optional<std::uint64_t> suppressed;
  std::vector<Suppressed> unreported;
  {
    const std::scoped_lock lock(mutex_);
    suppressed = admit_line(info.cause, record.address, now);
    if (now - swept_ >= RefusalRing::kSame) unreported = sweep(now);
  }
  report_all(unreported);
  if (suppressed) {
    log_.write(level_of(info), "refused", info.operator_text,
        {{"code", info.code}, {"step", to_string(info.step)}, {"ref", record.ref.view()},
            {"user", printable(record.user)}, {"address", record.address}, {"origin", printable(record.origin)},
            {"path", record.path}, {"steps", describe(record.times)}, {"operator", record.refusal.operator_text()},
            {"next", record.refusal.next_step()}, {"suppressed", *suppressed}});
  }
  ring_.record(std::move(record));
}

void RefusalReporter::report(const Request& request, Refusal refusal, std::string user) {
  const std::string* origin = request.headers.find("Origin");
  report({.ref = request.ref,
      .refusal = std::move(refusal),
      .user = std::move(user),
      .address = request.address,
      .origin = origin == nullptr ? std::string{} : *origin,
      .path = request.path});
}

void RefusalReporter::report(Ref ref, Refusal refusal, std::string_view address, std::string user) {
  report({.ref = std::move(ref),
      .refusal = std::move(refusal),
      .user = std::move(user),
      .address = std::string(address),
      .origin = {},
      .path = {}});
}

void RefusalReporter::flush() {
  std::vector<Suppressed> unreported;
  {
    const std::scoped_lock lock(mutex_);
    unreported = sweep(clock_.mono());
  }
  report_all(unreported);
}

std::optional<std::uint64_t> RefusalReporter::admit_line(Cause cause, const std::string& address, MonoTime now) {
  Budget& budget = budgets_[index_of(cause)];
  auto [it, fresh] = windows_.try_emplace(Key{.cause = cause, .address = address});
  Window& window = it->second;
  if (!fresh && now - window.since < RefusalRing::kSame) {
    ++window.suppressed;
    return std::nullopt;
  }
  if (now - budget.since >= RefusalRing::kSame) {
    budget.since = now;
    budget.lines = 0;
  }
  const bool table_full = fresh && windows_.size() > kWatched;
  if (budget.lines >= kLinesPerCode || table_full) {
    budget.suppressed += 1 + window.suppressed;
    windows_.erase(it);
    return std::nullopt;
  }
  ++budget.lines;
  window.since = now;
  return std::exchange(window.suppressed, 0) + std::exchange(budget.suppressed, 0);
}

std::vector<RefusalReporter::Suppressed> RefusalReporter::sweep(MonoTime now) {
  std::vector<Suppressed> out;
  swept_ = now;
  for (auto it = windows_.begin(); it != windows_.end();) {
    if (now - it->second.since < RefusalRing::kSame) {
      ++it;
      continue;
    }
    if (it->second.suppressed > 0)
      out.push_back({.cause = it->first.cause, .address = it->first.address, .suppressed = it->second.suppressed});
    it = windows_.erase(it);
  }
  for (std::size_t i = 0; i < budgets_.size(); ++i) {
    Budget& budget = budgets_[i];
    if (budget.suppressed == 0 || now - budget.since < RefusalRing::kSame) continue;
    out.push_back({.cause = all_causes()[i].cause, .address = {}, .suppressed = std::exchange(budget.suppressed, 0)});
  }
  return out;
}

void RefusalReporter::report_all(const std::vector<Suppressed>& unreported) {
  for (const Suppressed& t : unreported) {
    log_.info("refusals_suppressed", "equal refusals were counted, not repeated",
        {{"code", code_of(t.cause)}, {"address", t.address}, {"suppressed", t.suppressed}});
  }
}

std::string describe(const StepTimes& times) {
  std::string out;
  for (std::size_t i = 0; i < kStepCount; ++i) {
    if (times.spent[i].count() < 0) continue;
    fmt::format_to(std::back_inserter(out), "{}{} {:.3f}", out.empty() ? "" : ", ", to_string(static_cast<Step>(i)),
        static_cast<double>(times.spent[i].count()) / 1e6);
  }
  return out;
}

} // namespace foyer::observe

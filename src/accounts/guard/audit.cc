#include "accounts/guard/audit.h"

#include <fmt/format.h>

namespace foyer::accounts {

AuditTrail::AuditTrail(AccountStore& store, std::shared_ptr<const Runners> runners, Log& log, Metrics& metrics)
    : store_(store),
      runners_(std::move(runners)),
      log_(log),
      lost_(metrics.counter("foyer_audit_lost_total", "Audit rows that could not be written.")),
      meter_(metrics, "audit_rows", kMostWaiting) {}

AuditTrail::~AuditTrail() {
  if (!waiting_.empty()) store_.append_audit(std::move(waiting_), [](Result<bool>) {});
}

void AuditTrail::add(AuditRow row) {
  std::string key;
  if (row.outcome != "OK") {
    key = fmt::format("{}\n{}\n{}\n{}\n{}", row.address, row.action, row.outcome, row.user.view(), row.detail);
    if (const auto same = refusals_.find(key); same != refusals_.end()) {
      AuditRow& first = waiting_[same->second];
      ++first.repeats;
      first.last_at = row.at;
      return;
    }
  }
  if (waiting_.size() >= kMostWaiting) {
    lost_.add();
    return meter_.refused();
  }
  if (!key.empty()) refusals_.emplace(std::move(key), waiting_.size());
  waiting_.push_back(std::move(row));
  flush();
}

void AuditTrail::flush() {
  if (writing_ || waiting_.empty()) return meter_.used(waiting_.size());
  writing_ = true;
  std::vector<AuditRow> batch = std::move(waiting_);
  waiting_.clear();
  refusals_.clear();
  meter_.used(0);
  const std::size_t count = batch.size();
  store_.append_audit(std::move(batch), [this, count, runners = runners_](Result<bool> written) {
    runners->control.post([this, count, written = std::move(written)] {
      writing_ = false;
      if (!written) {
        lost_.add(count);
        if (!failing_)
          log_.error("audit_not_written", "Audit rows are being lost; the metric foyer_audit_lost_total counts them.",
              {{"rows", count}, {"code", written.error().code()}, {"evidence", written.error().evidence}});
      }
      if (written && failing_) log_.info("audit_written", "Audit rows can be written again.");
      failing_ = !written;
      flush();
    });
  });
}

} // namespace foyer::accounts

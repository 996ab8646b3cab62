// The audit rows of outcomes that change nothing else: collected and written in
// groups, so that a flood of refusals costs a few transactions; equal refusals that
// wait are one row that counts them. (A change carries
// its row in its own transaction, see store.h.) Bounded; what does not fit or
// cannot be written is counted and logged. On the control plane's thread.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "accounts/runners.h"
#include "accounts/store.h"
#include "base/limit_metrics.h"
#include "base/log.h"

namespace foyer::accounts {

class AuditTrail {
 public:
  static constexpr std::size_t kMostWaiting = 10'000;

  AuditTrail(AccountStore& store, std::shared_ptr<const Runners> runners, Log& log, Metrics& metrics);
  ~AuditTrail(); // hands over what waits
  AuditTrail(const AuditTrail&) = delete;
  AuditTrail& operator=(const AuditTrail&) = delete;
  void add(AuditRow row);

 private:
  void flush();

  AccountStore& store_;
  std::shared_ptr<const Runners> runners_;
  Log& log_;
  Counter& lost_;
  LimitMeter meter_;
  std::vector<AuditRow> waiting_;
  std::unordered_map<std::string, std::size_t> refusals_; // those that wait, by what makes them equal
  bool writing_ = false;
  bool failing_ = false; // reported once, until a batch is written again
};

} // namespace foyer::accounts

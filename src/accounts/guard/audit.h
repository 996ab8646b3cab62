// The audit rows of outcomes without a change: collected and written in
// groups, so that a flood of refusals costs a few transactions; equal waiting
// refusals are counted in one row. (A change writes
// its row in its own transaction, see store.h.) Bounded; rows that do not fit or
// cannot be written are counted and logged. On the control plane's thread.
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
  ~AuditTrail(); // hands over waiting rows
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
  std::unordered_map<std::string, std::size_t> refusals_; // waiting ones, by what makes them equal
  bool writing_ = false;
  bool failing_ = false; // logged once, until a batch is written again
};

} // namespace foyer::accounts

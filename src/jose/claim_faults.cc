#include "jose/claim_faults.h"

#include <algorithm>

namespace foyer::jose {

void ClaimFaults::add(ClaimFault fault) {
  if (!about(fault.claim)) all_.push_back(std::move(fault));
}

void ClaimFaults::unusable(std::string_view claim, std::string_view what) {
  add({.cause = Cause::CLAIM_MISSING,
      .claim = std::string{claim},
      .what = std::string{claim}.append(" ").append(what)});
}

bool ClaimFaults::about(std::string_view claim) const {
  return std::ranges::find(all_, claim, &ClaimFault::claim) != all_.end();
}

Refusal ClaimFaults::refusal() const {
  const ClaimFault& first = all_.front();
  Refusal out{.cause = first.cause, .evidence = first.what, .field = first.claim};
  if (all_.size() == 1)
    out.retry_after = first.retry_after;
  else
    out.evidence += ". Also wrong: ";
  for (std::size_t i = 1; i < all_.size(); ++i) out.evidence += (i == 1 ? "" : "; ") + all_[i].what;
  return out;
}

} // namespace foyer::jose

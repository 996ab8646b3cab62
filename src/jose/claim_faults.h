// Everything that is wrong with the claims of one token. One refusal names all of it: its cause is that of the first
// fault, and its evidence lists the others, so that nobody has to mend a token claim by claim.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/refusal.h"

namespace foyer::jose {

struct ClaimFault {
  Cause cause{};
  std::string claim; // its name, or its path
  std::string what;  // begins with the name
  std::optional<Millis> retry_after = {};
};

class ClaimFaults {
 public:
  // In the order of diagnosis. A claim has one fault: a later one about the same claim is left out.
  void add(ClaimFault fault);
  // "NAME WHAT", as CLAIM_MISSING.
  void unusable(std::string_view claim, std::string_view what);
  [[nodiscard]] bool about(std::string_view claim) const;
  [[nodiscard]] bool empty() const { return all_.empty(); }
  [[nodiscard]] const std::vector<ClaimFault>& all() const { return all_; }
  [[nodiscard]] Refusal refusal() const; // not empty

 private:
  std::vector<ClaimFault> all_;
};

} // namespace foyer::jose

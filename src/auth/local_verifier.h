// Verification of access tokens in this process: no question to the auth service
// on the way of a connection with a JWT. Thread safe.
#pragma once

#include <atomic>
#include <memory>
#include <string_view>

#include "base/metrics.h"
#include "base/refusal.h"
#include "jose/verifier.h"

namespace foyer::auth {

class LocalVerifier {
 public:
  // `own_issuer`: tokens that pass are of our own accounts.
  LocalVerifier(jose::Verifier verifier, bool own_issuer, Metrics& metrics);

  // The causes of jose::Verifier::verify. Use of the leeway is counted.
  [[nodiscard]] Result<Identity> verify(std::string_view token, WallTime now) const;

 private:
  jose::Verifier verifier_;
  bool own_issuer_;
  Counter& leeway_used_;
};

} // namespace foyer::auth

#include "auth/local_verifier.h"

namespace foyer::auth {

LocalVerifier::LocalVerifier(jose::Verifier verifier, bool own_issuer, Metrics& metrics)
    : verifier_(std::move(verifier)), own_issuer_(own_issuer),
      leeway_used_(metrics.counter("foyer_token_leeway_used_total", "Tokens whose times held only because of the clock leeway.")) {}

Result<Identity> LocalVerifier::verify(std::string_view token, WallTime now) const {
  TRY(claims, verifier_.verify(token, now));
  if (claims.leeway_used) leeway_used_.add();
  claims.identity.own_account = own_issuer_;
  return std::move(claims.identity);
}

} // namespace foyer::auth

#include "auth/local_verifier.h"

#include <mutex>

namespace foyer::auth {

LocalVerifier::LocalVerifier(
    jose::Verifier verifier, bool own_issuer, Metrics& metrics, std::function<std::optional<Refusal>()> doubt)
    : verifier_(std::make_shared<const jose::Verifier>(std::move(verifier))),
      own_issuer_(own_issuer),
      doubt_(std::move(doubt)),
      accepted_(metrics.counter(
          "foyer_tokens_verified_total", "Access tokens verified in this process.", {{"outcome", "accepted"}})),
      refused_(metrics.counter(
          "foyer_tokens_verified_total", "Access tokens verified in this process.", {{"outcome", "refused"}})),
      leeway_used_(metrics.counter(
          "foyer_token_leeway_used_total", "Tokens that were accepted only because of the clock leeway.")) {}

Result<jose::Claims> LocalVerifier::checked(std::string_view token, WallTime now, jose::TokenUse use) const {
  return counted(current()->verify(token, now, use));
}

Result<jose::Claims> LocalVerifier::counted(Result<jose::Claims> claims) const {
  if (claims && doubt_) {
    if (auto why = doubt_()) claims = std::unexpected(std::move(*why));
  }
  if (!claims) {
    refused_.add();
    return claims;
  }
  accepted_.add();
  if (claims->leeway_used) leeway_used_.add();
  return claims;
}

Result<Identity> LocalVerifier::verify(std::string_view token, WallTime now) const {
  TRY(claims, checked(token, now, jose::TokenUse::access));
  claims.identity.own_account = own_issuer_;
  return std::move(claims.identity);
}

Result<RoomToken> LocalVerifier::verify_room(std::string_view token, WallTime now) const {
  TRY(claims, checked(token, now, jose::TokenUse::room));
  claims.identity.own_account = own_issuer_;
  return RoomToken{.identity = std::move(claims.identity), .room = std::move(claims.room)};
}

Result<Identity> LocalVerifier::verify_service(
    std::string_view token, std::string_view type, std::string_view audience, WallTime now) const {
  const auto own = current();
  jose::VerifierPolicy policy = own->policy();
  policy.token_types = {std::string(type)};
  policy.audience = audience;
  policy.require_environment_claim = true;
  policy.own_accounts = false;
  TRY(claims, counted(jose::Verifier(own->keys(), std::move(policy)).verify(token, now)));
  return std::move(claims.identity);
}

void LocalVerifier::replace_keys(std::shared_ptr<const jose::KeySet> keys) {
  const std::unique_lock lock(mutex_);
  verifier_ = std::make_shared<const jose::Verifier>(std::move(keys), verifier_->policy());
}

std::shared_ptr<const jose::Verifier> LocalVerifier::current() const {
  const std::shared_lock lock(mutex_);
  return verifier_;
}

} // namespace foyer::auth

#include "app/service_tokens.h"

#include <utility>

#include "accounts/session/tokens.h"

namespace foyer::app {

Result<Identity> ServiceTokens::verify(const std::string& token) const {
  const auth::LocalVerifier* own = auth_.verifier();
  if (own == nullptr)
    return refuse(Cause::API_KEY_REJECTED,
        "a Bearer token is one of a registered service, and there are none here (identity = external)");
  return own->verify_service(token, accounts::kServiceTokenType, accounts::kApiAudience, clock_.wall());
}

Result<std::string> ServiceTokens::judge(Result<Identity> identity) const {
  if (!identity) return std::unexpected(std::move(identity).error());
  std::string service = identity->user.str();
  identity->user = {}; // what is said about users of that id does not concern a service
  if (auto refusal = revocations_.check(*identity, clock_.mono())) return std::unexpected(std::move(*refusal));
  TRY_VOID(auth_.check_service(service, accounts::kApiAudience));
  return service;
}

void ServiceTokens::find(std::string token, Completion<std::string> done) {
  control_.post([this, token = std::move(token), done = std::move(done)]() mutable {
    auto identity = verify(token);
    auto newer_keys = auth_.refresh_keys();
    if (identity || identity.error().cause != Cause::KEY_UNKNOWN || !newer_keys)
      return done(judge(std::move(identity)));
    newer_keys([this, token = std::move(token), done = std::move(done)](Result<bool> newer) mutable {
      if (!newer) return done(std::unexpected(std::move(newer).error()));
      done(judge(verify(token)));
    });
  });
}

} // namespace foyer::app

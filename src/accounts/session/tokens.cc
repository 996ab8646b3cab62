#include "accounts/session/tokens.h"

namespace foyer::accounts {

std::string ServiceTokens::mint(
    std::string_view service, std::string_view target, WallTime now, Entropy& entropy) const {
  const json::Object claims{{"iss", issuer_}, {"aud", target}, {"sub", service}, {"client_id", service},
      {"iat", unix_seconds(now)}, {"exp", unix_seconds(now + kServiceTokenLife)}, {"jti", entropy.short_id()},
      {"env", environment_}};
  return tools_.sign(claims, kServiceTokenType);
}

Result<jose::Claims> ServiceTokens::verify(std::string_view token, std::string_view audience, WallTime now) const {
  const jose::Verifier verifier(tools_.keys(),
      {.issuer = issuer_,
          .audience = std::string{audience},
          .token_types = {std::string{kServiceTokenType}},
          .environment = environment_,
          .require_environment_claim = true,
          .leeway = leeway_});
  return verifier.verify(token, now);
}

} // namespace foyer::accounts

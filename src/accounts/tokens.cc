#include "accounts/tokens.h"

#include <algorithm>

namespace foyer::accounts {

bool looks_like_jwt(std::string_view token) { return std::ranges::count(token, '.') == 2 && token.starts_with("eyJ"); }

bool looks_opaque(std::string_view token) {
  return token.size() == 43 && std::ranges::all_of(token, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
}

std::string ServiceTokens::mint(std::string_view service, std::string_view target, WallTime now, Entropy& entropy) const {
  const json::Object claims{{"iss", issuer_},
                            {"aud", target},
                            {"sub", service},
                            {"client_id", service},
                            {"iat", unix_seconds(now)},
                            {"exp", unix_seconds(now + kServiceTokenLife)},
                            {"jti", entropy.short_id()},
                            {"env", environment_}};
  return tools_.sign(claims, kServiceTokenType);
}

Result<jose::Claims> ServiceTokens::verify(std::string_view token, std::string_view audience, WallTime now) const {
  const jose::Verifier verifier(tools_.keys(), {.issuer = issuer_,
                                                .audience = std::string{audience},
                                                .token_types = {std::string{kServiceTokenType}},
                                                .environment = environment_,
                                                .require_environment_claim = true,
                                                .leeway = leeway_});
  return verifier.verify(token, now);
}

} // namespace foyer::accounts

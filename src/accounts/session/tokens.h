// Tokens that this service issues for other services, and introspection of all tokens.
//
//   typ service+jwt   sub and client_id: the service that holds it, aud: the service it may call, 5 minutes
//
// The type keeps it out of every endpoint for people, and people's tokens out of its own;
// the audience keeps it out of every other service.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "accounts/keys/signing_keys.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/refusal.h"
#include "jose/key_set.h"
#include "jose/verifier.h"

namespace foyer::accounts {

inline constexpr std::string_view kServiceTokenType = "service+jwt";
// The audience of a token for the server API. It is no registered service.
inline constexpr std::string_view kApiAudience = "foyer:api";
inline constexpr Millis kServiceTokenLife = std::chrono::minutes{5};

// Keys rotate, so signer and key set are requested each time. Control plane's thread.
struct TokenTools {
  std::function<std::string(const json::Object& claims, std::string_view typ)> sign;
  std::function<std::shared_ptr<const jose::KeySet>()> keys;
};

[[nodiscard]] inline TokenTools token_tools(SigningKeys& keys) {
  return {.sign = [&keys](const json::Object& claims, std::string_view typ) { return keys.signer().sign(claims, typ); },
      .keys = [&keys] { return keys.key_set(); }};
}

class ServiceTokens {
 public:
  ServiceTokens(TokenTools tools, std::string issuer, std::string environment, Millis leeway)
      : tools_(std::move(tools)),
        issuer_(std::move(issuer)),
        environment_(std::move(environment)),
        leeway_(leeway) {}

  [[nodiscard]] std::string mint(
      std::string_view service, std::string_view target, WallTime now, Entropy& entropy) const;
  // The causes of jose::Verifier; Identity::user is the service's id.
  [[nodiscard]] Result<jose::Claims> verify(std::string_view token, std::string_view audience, WallTime now) const;
  [[nodiscard]] const TokenTools& tools() const { return tools_; }

 private:
  TokenTools tools_;
  std::string issuer_;
  std::string environment_;
  Millis leeway_;
};

} // namespace foyer::accounts

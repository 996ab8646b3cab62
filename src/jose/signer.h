// Creates tokens: a signing key, and the claims of an access token (RFC 9068).
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/refusal.h"
#include "jose/jwk.h"

namespace foyer::jose {

// The claims of our access tokens. Empty optional members are omitted.
struct AccessClaims {
  std::string issuer;
  std::string audience;
  UserId subject;
  WallTime issued_at{}; // iat and exp are whole seconds; exp is rounded down
  WallTime expires_at{};
  TokenId token; // jti
  std::string client_id;
  SessionId session; // sid
  std::string name;
  Permissions permissions; // scope
  std::string environment; // env
};

class Signer {
 public:
  // KEY_UNREADABLE if the key has no private part, or its key_ops do not include sign. An open key is pinned.
  [[nodiscard]] static Result<Signer> make(Key key);

  // A JWT with any claims, with kid in its header.
  [[nodiscard]] std::string sign(const json::Object& claims, std::string_view typ) const;
  // typ at+jwt.
  [[nodiscard]] std::string access_token(const AccessClaims& claims) const;
  [[nodiscard]] const Key& key() const { return key_; }

 private:
  explicit Signer(Key key) : key_(std::move(key)) {}
  Key key_;
};

// The claims as JSON, as access_token() signs them.
[[nodiscard]] std::string write_claims(const AccessClaims& claims);

} // namespace foyer::jose

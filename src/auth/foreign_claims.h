// What the token of a trusted issuer says, read by the rules of that issuer (TrustedIssuer): pure, at a given `now`.
// The signature was verified before.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/policy.h"
#include "base/json.h"
#include "base/refusal.h"
#include "jose/claim_faults.h"
#include "jose/verifier.h"

namespace foyer::auth {

// The requirements for its tokens.
struct IssuerTerms {
  TrustedIssuer issuer;
  Millis leeway{30'000};
  Millis max_token_life{24LL * 3'600'000}; // of exp − now
};

struct ForeignClaims {
  Identity identity;
  std::string subject;   // as the issuer writes it
  std::string room = {}; // of a token for one
  bool leeway_used = false;
};

inline constexpr std::size_t kMaxRoomsClaim = 100;

// `typ` of the header; none counts as JWT.
[[nodiscard]] std::expected<ForeignClaims, jose::ClaimFaults> read_foreign_claims(const IssuerTerms& terms,
    const std::optional<std::string>& typ, const json::Object& claims, WallTime now,
    jose::TokenUse use = jose::TokenUse::access);

// The id of an issuer's user: prefix and subject where ids may look like that, otherwise prefix, ~ and
// base64url(SHA-256(subject)). Two subjects never share an id, and no id is one of this server's own users.
[[nodiscard]] UserId foreign_user_id(std::string_view prefix, std::string_view subject);

// A claim by its name, or by a path into objects: "realm_access.roles". A name that contains dots comes before a path.
[[nodiscard]] const json::Value* find_claim(const json::Object& claims, std::string_view path);

} // namespace foyer::auth

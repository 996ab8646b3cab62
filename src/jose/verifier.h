// Verification of access tokens at a given `now`: pure, thread safe, prepared keys.
#pragma once

#include <array>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/refusal.h"
#include "jose/claim_faults.h"
#include "jose/jws.h"
#include "jose/key_set.h"

namespace foyer::jose {

// The requirements for a JWT (RFC 8725, RFC 9068).
struct VerifierPolicy {
  std::string issuer;                                // exact
  std::string audience;                              // exact, one of aud
  std::vector<std::string> token_types = {"at+jwt"}; // typ, without "application/", compared without case
  std::optional<std::string> environment =
      std::string{}; // env, if the claim is present; nullopt: not compared (tools only)
  bool require_environment_claim = false;
  bool own_accounts = false; // tokens with a sid belong to our own accounts: Identity::own_account
  Millis leeway{30'000};
  std::size_t max_bytes = 8 * 1024;
  std::optional<Algorithm> algorithm = {}; // the only one, if set; also for keys without an algorithm
};

// What a token is for: a connection, or one room of it.
enum class TokenUse : std::uint8_t { access, room };
// Claims that make a token one for a room; `typ` room+jwt does the same.
inline constexpr std::array<std::string_view, 2> kRoomClaims = {"room", "channel"};
inline constexpr std::string_view kRoomTokenType = "room+jwt";
inline constexpr std::size_t kMostRooms = 100; // in the claim `rooms` of a connection's token

// The claims of an accepted token.
struct Claims {
  Identity identity; // user, name, session, token id, permissions, times
  std::string client_id;
  std::string room;         // of a token for one
  bool leeway_used = false; // exp, nbf or iat passed only because of the leeway
  std::string header_json;  // for `foyer token inspect | verify`
  std::string claims_json;
};

// The claims alone, without a signature: what Verifier compares after it. For tools.
struct BareClaims {
  Identity identity;
  std::string room; // of a token for one
};
[[nodiscard]] std::expected<BareClaims, ClaimFaults> read_claims(
    const Jws& jws, const VerifierPolicy& policy, WallTime now, TokenUse use = TokenUse::access);

class Verifier {
 public:
  // Open keys are pinned here: a token does not choose its algorithm.
  Verifier(std::shared_ptr<const KeySet> keys, VerifierPolicy policy);
  // The first failure, in this order; each has its own cause:
  // INVALID_FORMAT ALGORITHM_NOT_ALLOWED KEY_UNKNOWN SIGNATURE_INVALID WRONG_TOKEN_TYPE
  // CLAIM_MISSING TOKEN_EXPIRED TOKEN_NOT_YET_VALID ISSUER_MISMATCH AUDIENCE_MISMATCH ENVIRONMENT_MISMATCH.
  // From WRONG_TOKEN_TYPE on, the evidence also names everything else that is wrong with the claims.
  // A token for a room needs neither iat nor jti nor client_id.
  [[nodiscard]] Result<Claims> verify(std::string_view token, WallTime now, TokenUse use = TokenUse::access) const;
  [[nodiscard]] const VerifierPolicy& policy() const { return policy_; }
  [[nodiscard]] const std::shared_ptr<const KeySet>& keys() const { return keys_; }

 private:
  std::shared_ptr<const KeySet> keys_;
  VerifierPolicy policy_;
};

} // namespace foyer::jose

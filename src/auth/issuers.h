// All issuers whose tokens count here: this server's own, and the trusted ones. A token is judged by the issuer whose
// `issuer` is exactly its `iss`, with the keys and the rules of that issuer only. Thread safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/issuer_verifier.h"
#include "auth/local_verifier.h"
#include "auth/token_verifier.h"
#include "base/metrics.h"

namespace foyer::auth {

class Issuers final : public TokenVerifier {
 public:
  // `own`: null if this server has no accounts; outlives this. `max_bytes`: of a token.
  Issuers(const LocalVerifier* own, std::string own_issuer, std::vector<std::unique_ptr<IssuerVerifier>> trusted,
      std::size_t max_bytes, Metrics& metrics);

  // For tokens of our own issuer the causes of LocalVerifier, for others those of IssuerVerifier; ISSUER_MISMATCH or
  // CLAIM_MISSING when `iss` names none.
  [[nodiscard]] Result<Identity> verify(std::string_view token, WallTime now) const override;
  [[nodiscard]] Result<RoomToken> verify_room(std::string_view token, WallTime now) const override;

  // The trusted issuer that a token names, before anything is verified; null: none.
  [[nodiscard]] IssuerVerifier* named_by(std::string_view token) const;
  [[nodiscard]] const std::vector<std::unique_ptr<IssuerVerifier>>& trusted() const { return trusted_; }

 private:
  struct Counters {
    Counter& accepted;
    Counter& refused;
    Counter& leeway_used;
  };
  [[nodiscard]] Result<ForeignClaims> judged(
      const jose::Jws& jws, const json::Object& claims, WallTime now, jose::TokenUse use) const;
  [[nodiscard]] Result<void> not_of_another_issuer(const UserId& user) const;
  [[nodiscard]] Refusal unknown(const json::Object& claims) const;
  [[nodiscard]] std::size_t index_of(std::string_view iss) const; // trusted_.size(): none

  const LocalVerifier* own_;
  const std::string own_issuer_;
  std::vector<std::unique_ptr<IssuerVerifier>> trusted_;
  std::vector<Counters> counters_;
  Counter& unknown_;
  const std::size_t max_bytes_;
};

// The claims of a token as JSON. INVALID_FORMAT.
[[nodiscard]] Result<json::Object> claims_of(const jose::Jws& jws);
// The `iss` of a token that is well formed, unverified; empty: there is none.
[[nodiscard]] std::string unverified_issuer(std::string_view token, std::size_t max_bytes);

} // namespace foyer::auth

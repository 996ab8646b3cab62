// The tokens of one trusted issuer: its keys, and the terms for its claims. Thread safe; the keys can be replaced while
// it runs. They verify tokens of this issuer and of no other.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "auth/foreign_claims.h"
#include "base/metrics.h"
#include "jose/jws.h"
#include "jose/key_set.h"

namespace foyer::auth {

// What a token of an issuer came to.
struct Judged {
  std::optional<ForeignClaims> accepted;
  std::optional<Refusal> refusal;       // exactly one of the two
  std::vector<jose::ClaimFault> faults; // of the refusal: every claim that is wrong; empty if it failed before
};

class IssuerVerifier {
 public:
  // `doubt`: why its keys must not be relied upon, if so; any thread. Empty: they are in a file.
  IssuerVerifier(
      IssuerTerms terms, std::shared_ptr<const jose::KeySet> keys, std::function<std::optional<Refusal>()> doubt = {});

  [[nodiscard]] const TrustedIssuer& issuer() const { return terms_.issuer; }
  // `claims`: the payload of `jws`. The first failure, in this order:
  // ISSUER_KEYS_UNAVAILABLE ALGORITHM_NOT_ALLOWED KEY_UNKNOWN SIGNATURE_INVALID; then all claims.
  [[nodiscard]] Judged judge(const jose::Jws& jws, const json::Object& claims, WallTime now,
      jose::TokenUse use = jose::TokenUse::access) const;
  void replace_keys(std::shared_ptr<const jose::KeySet> keys);
  [[nodiscard]] std::shared_ptr<const jose::KeySet> keys() const;

 private:
  const IssuerTerms terms_;
  const std::function<std::optional<Refusal>()> doubt_;
  mutable std::shared_mutex mutex_; // guards only the pointer
  std::shared_ptr<const jose::KeySet> keys_;
};

// The claims alone, without keys: what `foyer token verify --explain` says about the other issuers.
[[nodiscard]] Judged judge_claims(const IssuerTerms& terms, const jose::Jws& jws, const json::Object& claims,
    WallTime now, jose::TokenUse use = jose::TokenUse::access);

} // namespace foyer::auth

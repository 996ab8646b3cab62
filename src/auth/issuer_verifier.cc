#include "auth/issuer_verifier.h"

#include <mutex>

namespace foyer::auth {

Judged judge_claims(
    const IssuerTerms& terms, const jose::Jws& jws, const json::Object& claims, WallTime now, jose::TokenUse use) {
  auto read = read_foreign_claims(terms, jws.header.typ, claims, now, use);
  if (read) return {.accepted = std::move(*read), .refusal = {}, .faults = {}};
  return {.accepted = {}, .refusal = read.error().refusal(), .faults = read.error().all()};
}

IssuerVerifier::IssuerVerifier(
    IssuerTerms terms, std::shared_ptr<const jose::KeySet> keys, std::function<std::optional<Refusal>()> doubt)
    : terms_(std::move(terms)),
      doubt_(std::move(doubt)),
      keys_(std::move(keys)) {}

Judged IssuerVerifier::judge(const jose::Jws& jws, const json::Object& claims, WallTime now, jose::TokenUse use) const {
  if (doubt_)
    if (auto why = doubt_()) return {.accepted = {}, .refusal = std::move(*why), .faults = {}};
  const auto keys = this->keys(); // kept while it is used
  if (auto signature = jose::verify_signature(jws, *keys); !signature) {
    Refusal refusal = std::move(signature).error();
    refusal.evidence += " (issuer " + terms_.issuer.name + ")";
    return {.accepted = {}, .refusal = std::move(refusal), .faults = {}};
  }
  return judge_claims(terms_, jws, claims, now, use);
}

void IssuerVerifier::replace_keys(std::shared_ptr<const jose::KeySet> keys) {
  const std::unique_lock lock(mutex_);
  keys_ = std::move(keys);
}

std::shared_ptr<const jose::KeySet> IssuerVerifier::keys() const {
  const std::shared_lock lock(mutex_);
  return keys_;
}

} // namespace foyer::auth

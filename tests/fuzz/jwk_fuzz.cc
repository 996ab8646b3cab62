// Keys and key sets: what was read signs and verifies, is written without its
// secret, and is the same key when read again.
#include <string>
#include <string_view>

#include "base/json.h"
#include "fuzz.h"
#include "jose/key_set.h"

using namespace foyer;

namespace {

void check_refusal(const Refusal& refusal) {
  invariant(refusal.cause == Cause::KEY_UNREADABLE || refusal.cause == Cause::WEAK_SECRET ||
          refusal.cause == Cause::WEAK_KEY || refusal.cause == Cause::CONFLICTING_KEYS,
      "a key is refused with a cause of keys");
  invariant(!refusal.evidence.empty(), "a refusal says why");
}

void check_key(const jose::Key& key) {
  invariant(!key.kid().empty() && key.thumbprint().size() == 43, "a key has a name");
  const auto published = key.public_jwk();
  for (const std::string_view member : {"d", "k", "p", "q", "dp", "dq", "qi", "oth"})
    invariant(!published.contains(member), "nothing secret is published");
  invariant(key.takes(key.algorithm()), "a key can have its own algorithm");
  const auto again = jose::Key::from_jwk(key.has_private() ? key.private_jwk() : published);
  // Whether a modulus is the product of two primes is judged by chance: one that is not may pass once.
  if (!again && !key.has_private() && again.error().cause == Cause::WEAK_KEY &&
      *json::get_string(published, "kty") == "RSA")
    return;
  invariant(again.has_value() && again->thumbprint() == key.thumbprint() && again->kid() == key.kid(),
      "a key that is written is the same when read");
  if (!key.can_sign()) return;
  const auto signature = key.sign("input");
  invariant(again->public_part().verify("input", signature) && !again->verify("other", signature),
      "a signature is of its input alone");
  for (std::size_t i = 0; i < jose::kAlgorithms; ++i) {
    const auto algorithm = static_cast<jose::Algorithm>(i);
    invariant(algorithm == key.algorithm() || !again->public_part().verify(algorithm, "input", signature),
        "and of its algorithm alone");
    invariant(key.takes(algorithm) == key.with_algorithm(algorithm).has_value(),
        "an algorithm that a key can have it can be kept to");
  }
}

} // namespace

FUZZER(jwk) {
  if (const auto key = jose::Key::parse_any(input))
    check_key(*key);
  else
    check_refusal(key.error());
  if (const auto set = jose::KeySet::parse(input)) {
    for (const auto& key : (*set)->keys()) check_key(key);
    const auto jwks = (*set)->to_jwks();
    invariant(json::parse(jwks).has_value(), "a key set is JSON");
  } else {
    check_refusal(set.error());
  }
}

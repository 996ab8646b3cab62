// A key for signatures (RFC 7517, RFC 7518 §6, RFC 8037).
//
// A Key is an immutable handle: copies share the prepared material, and sign() and
// verify() may be called from any thread.
//
// One key, one algorithm (RFC 8725 §3.1). An EC or Ed25519 key has only one. An RSA
// key or a secret whose text names none is open: its user chooses
// the algorithm. A Verifier and a Signer pin it (RS256, HS256, or what was
// configured), so that a token never chooses; only `verify_signature`, which is called
// with one given key, accepts each algorithm that the key can have.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/refusal.h"
#include "jose/algorithm.h"

namespace foyer::jose {

class KeyMaterial;
struct ReadJwk;

class Key {
 public:
  // For HMAC, with that one algorithm. WEAK_SECRET under the length of its hash.
  [[nodiscard]] static Result<Key> from_secret(std::string_view secret, Algorithm algorithm = Algorithm::hs256);
  // One JWK. KEY_UNREADABLE with the fault; WEAK_SECRET for a short `k`, WEAK_KEY for
  // a breakable RSA or Ed25519 key. A key whose use or key_ops is not for
  // signatures is unreadable here.
  [[nodiscard]] static Result<Key> parse_jwk(std::string_view text);
  [[nodiscard]] static Result<Key> from_jwk(const json::Object& jwk);
  // One PEM block (RFC 7468): PKCS#8 private or SPKI public key, or the older RSA and EC
  // forms. Encrypted ones, certificates, DER and text around the block are refused.
  [[nodiscard]] static Result<Key> parse_pem(std::string_view pem);
  // A secret file's text: PEM or JWK.
  [[nodiscard]] static Result<Key> parse_any(std::string_view text);
  // A new key for the algorithm; EC and RSA keys (3072 bits) use OpenSSL's own entropy.
  [[nodiscard]] static Key generate(Algorithm algorithm, Entropy& entropy);

  [[nodiscard]] const std::string& kid() const { return kid_; }               // from the JWK, otherwise the thumbprint
  [[nodiscard]] const std::string& thumbprint() const { return thumbprint_; } // RFC 7638, SHA-256, base64url
  // The algorithm that it signs with: its own, or the usual one of its kind while it is open.
  [[nodiscard]] Algorithm algorithm() const { return algorithm_; }
  [[nodiscard]] bool is_open() const { return open_; }
  // Whether a token of this algorithm may be verified with it.
  [[nodiscard]] bool takes(Algorithm algorithm) const;
  // The same key for one algorithm only; CONFLICTING_KEYS if it is for another or does not fit.
  [[nodiscard]] Result<Key> with_algorithm(Algorithm algorithm) const;
  [[nodiscard]] Key pinned() const; // to algorithm()
  [[nodiscard]] Key opened() const; // to every algorithm of its kind

  [[nodiscard]] bool symmetric() const;
  [[nodiscard]] bool has_private() const;
  [[nodiscard]] bool can_sign() const { return has_private() && may_sign_; }
  [[nodiscard]] bool can_verify() const { return may_verify_; } // by key_ops; a public_part() of a pair always may
  // False for anything that is not a signature of `input`, of any length, and for an algorithm that it does not accept.
  [[nodiscard]] bool verify(Algorithm algorithm, std::string_view input, std::string_view signature) const;
  [[nodiscard]] bool verify(std::string_view input, std::string_view signature) const {
    return verify(algorithm_, input, signature);
  }
  [[nodiscard]] std::string sign(std::string_view input) const; // only if has_private()

  [[nodiscard]] json::Object public_jwk() const;  // without the private members
  [[nodiscard]] json::Object private_jwk() const; // with them: to be stored 0600
  [[nodiscard]] std::string to_pem() const;       // PKCS#8 or SPKI; empty for a secret
  [[nodiscard]] Key with_kid(std::string kid) const;
  [[nodiscard]] Key public_part() const; // the key without its private part; an oct key stays as it is

 private:
  Key(std::shared_ptr<const KeyMaterial> material, std::string kid, std::optional<Algorithm> algorithm);
  explicit Key(ReadJwk read);
  std::shared_ptr<const KeyMaterial> material_;
  std::string thumbprint_;
  std::string kid_;
  Algorithm algorithm_{};
  bool open_ = false;
  bool may_sign_ = true;
  bool may_verify_ = true;
};

// Whether use, key_ops or alg say that the key is not for signatures.
[[nodiscard]] bool says_another_use(const json::Object& jwk);
// Whether it is for signatures and of a known kty and crv. An unknown alg
// still counts as a signature key: from_jwk refuses it.
[[nodiscard]] bool is_known_signature_key(const json::Object& jwk);

} // namespace foyer::jose

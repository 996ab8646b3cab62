// A key for signatures (RFC 7517, RFC 7518 §6, RFC 8037).
//
// A Key is an immutable handle: copies share the prepared material, and sign() and
// verify() may be called from any thread.
//
// One key, one algorithm (RFC 8725 §3.1). An EC or Ed25519 key has only one. An RSA
// key or a secret whose text names none is open: it says what it is, and whoever uses
// it says what for. A Verifier and a Signer pin it (RS256, HS256, or what was
// configured), so that no token ever chooses; `verify_signature` alone, which is asked
// about one given key, takes each algorithm that the key can have.
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
  // One JWK. KEY_UNREADABLE with what is wrong; WEAK_SECRET for a short `k`, WEAK_KEY for
  // an RSA or Ed25519 key that can be broken. A key whose use or key_ops is not for
  // signatures is unreadable here.
  [[nodiscard]] static Result<Key> parse_jwk(std::string_view text);
  [[nodiscard]] static Result<Key> from_jwk(const json::Object& jwk);
  // One PEM block (RFC 7468): PKCS#8 private or SPKI public key, or the older RSA and EC
  // forms. Encrypted ones, certificates, DER and anything beside the block are refused.
  [[nodiscard]] static Result<Key> parse_pem(std::string_view pem);
  // A secret file's text: PEM or JWK, whichever it is.
  [[nodiscard]] static Result<Key> parse_any(std::string_view text);
  // A new key for the algorithm; EC and RSA ones (3072 bits) come from OpenSSL's own entropy.
  [[nodiscard]] static Key generate(Algorithm algorithm, Entropy& entropy);

  [[nodiscard]] const std::string& kid() const { return kid_; }               // as the JWK says, else the thumbprint
  [[nodiscard]] const std::string& thumbprint() const { return thumbprint_; } // RFC 7638, SHA-256, base64url
  // What it signs with: the one it is for, or the usual one of its kind while it is open.
  [[nodiscard]] Algorithm algorithm() const { return algorithm_; }
  [[nodiscard]] bool is_open() const { return open_; }
  // Whether a token of this algorithm may be verified with it.
  [[nodiscard]] bool takes(Algorithm algorithm) const;
  // The same key for one algorithm only; CONFLICTING_KEYS when it is for another, or cannot be for that one.
  [[nodiscard]] Result<Key> with_algorithm(Algorithm algorithm) const;
  [[nodiscard]] Key pinned() const; // to algorithm()
  [[nodiscard]] Key opened() const; // to whatever a key of its kind can have

  [[nodiscard]] bool symmetric() const;
  [[nodiscard]] bool has_private() const;
  [[nodiscard]] bool can_sign() const { return has_private() && may_sign_; }
  [[nodiscard]] bool can_verify() const { return may_verify_; } // by key_ops; a public_part() of a pair always may
  // False for whatever is no signature of `input`, of any length, and for an algorithm that it does not take.
  [[nodiscard]] bool verify(Algorithm algorithm, std::string_view input, std::string_view signature) const;
  [[nodiscard]] bool verify(std::string_view input, std::string_view signature) const {
    return verify(algorithm_, input, signature);
  }
  [[nodiscard]] std::string sign(std::string_view input) const; // only if has_private()

  [[nodiscard]] json::Object public_jwk() const;  // without what signs
  [[nodiscard]] json::Object private_jwk() const; // with it: to be stored 0600
  [[nodiscard]] std::string to_pem() const;       // PKCS#8 or SPKI; empty for a secret
  [[nodiscard]] Key with_kid(std::string kid) const;
  [[nodiscard]] Key public_part() const; // the same key without what signs; an oct key stays as it is

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

// Whether use, key_ops or alg say that the key is for something else than signatures.
[[nodiscard]] bool says_another_use(const json::Object& jwk);
// Whether it is for signatures and of a kty and crv that we know. An alg that nobody knows
// does not make a key somebody else's: from_jwk refuses it.
[[nodiscard]] bool is_known_signature_key(const json::Object& jwk);

} // namespace foyer::jose

// A key and the one algorithm it is for (RFC 7517, RFC 7518 §6, RFC 8037).
//
// A Key is an immutable handle: copies share the prepared material, and sign()
// and verify() may be called from any thread. What a kind of key can do lies
// behind KeyMaterial, so that RSA and EC join as two more kinds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/refusal.h"

namespace foyer::jose {

enum class Algorithm : std::uint8_t {
  hs256, // HMAC with SHA-256 (RFC 7518 §3.2), kty oct
  eddsa, // Ed25519 (RFC 8037, RFC 9864), kty OKP
};
[[nodiscard]] std::string_view to_string(Algorithm algorithm); // as we write it: "HS256", "EdDSA"
// "HS256", "EdDSA" and "Ed25519", with case; anything else is none of ours.
[[nodiscard]] std::optional<Algorithm> find_algorithm(std::string_view name);

inline constexpr std::size_t kMinSecretBytes = 32; // RFC 7518 §3.2

// One kind of key, prepared for use. Thread safe.
class KeyMaterial {
 public:
  virtual ~KeyMaterial() = default;
  [[nodiscard]] virtual Algorithm algorithm() const = 0;
  [[nodiscard]] virtual bool symmetric() const = 0;
  [[nodiscard]] virtual bool has_private() const = 0; // can sign
  [[nodiscard]] virtual bool verify(std::string_view input, std::string_view signature) const = 0;
  [[nodiscard]] virtual std::string sign(std::string_view input) const = 0; // only if has_private()
  // Members of the JWK in lexicographic order, the required public ones only (RFC 7638 §3.2).
  [[nodiscard]] virtual json::Object required_members() const = 0;
  [[nodiscard]] virtual json::Object private_members() const = 0; // "d"; for oct "k"
  [[nodiscard]] virtual std::string pem() const = 0;              // PKCS#8, or SPKI without a private part; empty for oct
};

class Key {
 public:
  // HS256. WEAK_SECRET under 32 bytes.
  [[nodiscard]] static Result<Key> from_secret(std::string_view secret);
  // One JWK. KEY_UNREADABLE with what is wrong; WEAK_SECRET for a short `k`.
  // A key whose use or key_ops is not for signatures is unreadable here.
  [[nodiscard]] static Result<Key> parse_jwk(std::string_view text);
  [[nodiscard]] static Result<Key> from_jwk(const json::Object& jwk);
  // PKCS#8 private or SPKI public key (RFC 7468); encrypted ones are refused.
  [[nodiscard]] static Result<Key> parse_pem(std::string_view pem);
  // A secret file's text: PEM or JWK, whichever it is.
  [[nodiscard]] static Result<Key> parse_any(std::string_view text);
  [[nodiscard]] static Key generate_ed25519(Entropy& entropy);

  [[nodiscard]] const std::string& kid() const { return kid_; }           // as the JWK says, else the thumbprint
  [[nodiscard]] const std::string& thumbprint() const { return thumbprint_; } // RFC 7638, SHA-256, base64url
  [[nodiscard]] Algorithm algorithm() const { return material_->algorithm(); }
  [[nodiscard]] bool symmetric() const { return material_->symmetric(); }
  [[nodiscard]] bool can_sign() const { return material_->has_private(); }
  [[nodiscard]] bool verify(std::string_view input, std::string_view signature) const { return material_->verify(input, signature); }
  [[nodiscard]] std::string sign(std::string_view input) const { return material_->sign(input); }

  [[nodiscard]] json::Object public_jwk() const;  // without d and k
  [[nodiscard]] json::Object private_jwk() const; // with d or k: to be stored 0600
  [[nodiscard]] std::string to_pem() const { return material_->pem(); }
  [[nodiscard]] Key with_kid(std::string kid) const;
  [[nodiscard]] Key public_part() const; // the same key without what signs; an oct key stays as it is

 private:
  Key(std::shared_ptr<const KeyMaterial> material, std::string kid);
  std::shared_ptr<const KeyMaterial> material_;
  std::string thumbprint_;
  std::string kid_;
};

// Whether kty, crv, use, key_ops and alg are ones that we verify with; others in a
// key set are somebody else's business (RFC 7517 §5).
[[nodiscard]] bool is_known_signature_key(const json::Object& jwk);

} // namespace foyer::jose

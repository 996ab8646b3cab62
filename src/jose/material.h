// The operations of each kind of key, and the kinds: from raw numbers to KeyMaterial. For
// the files of this folder only; other folders use Key.
//
// Material is checked on creation: existing material is strong enough and consistent.
// A refusal is KEY_UNREADABLE (an impossible key), WEAK_KEY or WEAK_SECRET (a possible
// key that must not be used), with the JWK member at fault as its field.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/refusal.h"
#include "jose/algorithm.h"

namespace foyer::jose {

inline constexpr std::size_t kMinSecretBytes = 32; // of HS256, the smallest
inline constexpr std::size_t kMaxSecretBytes = 4096;
inline constexpr std::size_t kMinRsaBits = 2048; // RFC 7518 §3.3
inline constexpr std::size_t kMaxRsaBits = 8192; // larger keys take milliseconds per verification
inline constexpr std::size_t kMaxExponentBits = 64;
inline constexpr std::size_t kEd25519Bytes = 32;

class KeyMaterial;
using Material = std::shared_ptr<const KeyMaterial>;

// One kind of key, prepared for use. Thread safe.
class KeyMaterial {
 public:
  virtual ~KeyMaterial() = default;
  [[nodiscard]] virtual bool fits(Algorithm algorithm) const = 0; // by kind, curve and size
  [[nodiscard]] virtual Algorithm usual() const = 0;              // the default of the kind
  [[nodiscard]] virtual bool symmetric() const { return false; }
  [[nodiscard]] virtual bool has_private() const = 0; // can sign
  // False for anything that is not a signature of the input, of any length, and for an algorithm that does not fit.
  [[nodiscard]] virtual bool verify(Algorithm algorithm, std::string_view input, std::string_view signature) const = 0;
  [[nodiscard]] virtual std::string sign(
      Algorithm algorithm, std::string_view input) const = 0; // only if has_private() and it fits
  // Members of the JWK in lexicographic order, the required public ones only (RFC 7638 §3.2).
  [[nodiscard]] virtual json::Object required_members() const = 0;
  [[nodiscard]] virtual json::Object private_members() const = 0; // the private part; for oct "k"
  [[nodiscard]] virtual std::string pem() const = 0;      // PKCS#8, or SPKI without a private part; empty for oct
  [[nodiscard]] virtual Material public_part() const = 0; // without the private part; null: it has none
};

[[nodiscard]] Result<Material> make_hmac(std::string secret);

[[nodiscard]] Result<Material> make_ed25519_private(std::string_view seed);
[[nodiscard]] Result<Material> make_ed25519_public(std::string_view x);

// Unsigned numbers, big-endian, without leading zero octets. Private: all but n and e; otherwise all of them empty.
struct RsaNumbers {
  std::string n, e, d, p, q, dp, dq, qi;
  ~RsaNumbers(); // wipes the private ones
};
[[nodiscard]] Result<Material> make_rsa(const RsaNumbers& numbers);
[[nodiscard]] Result<Material> generate_rsa(std::size_t bits);

enum class Curve : std::uint8_t { p256, p384, p521 };
[[nodiscard]] std::optional<Curve> find_curve(std::string_view crv); // "P-256"
[[nodiscard]] std::size_t coordinate_bytes(Curve curve);             // 32, 48, 66
// Coordinates and d of full length (RFC 7518 §6.2); d empty: a public key.
[[nodiscard]] Result<Material> make_ec(Curve curve, std::string_view x, std::string_view y, std::string_view d);
[[nodiscard]] Result<Material> generate_ec(Curve curve);

// One PEM block of a key; forms and limits as in Key::parse_pem.
[[nodiscard]] Result<Material> read_pem(std::string_view pem);

// One JWK with its declared use.
struct ReadJwk {
  Material material;
  std::string kid;              // empty: none
  std::optional<Algorithm> alg; // that of the member alg
  bool may_sign = true;         // by key_ops
  bool may_verify = true;
};
[[nodiscard]] Result<ReadJwk> read_jwk(const json::Object& jwk);

// Whether the modulus has the structure of the library behind CVE-2017-15361 (ROCA): such a key can be factored.
[[nodiscard]] bool has_roca_structure(std::string_view modulus);

} // namespace foyer::jose

// The signature algorithms (RFC 7518 §3.1, RFC 8037, RFC 9864), and their requirements
// for a key. `none` is not one of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace foyer::jose {

enum class Algorithm : std::uint8_t {
  hs256,
  hs384,
  hs512, // HMAC with SHA-2 (RFC 7518 §3.2), kty oct
  rs256,
  rs384,
  rs512, // RSASSA-PKCS1-v1_5 (§3.3), kty RSA
  ps256,
  ps384,
  ps512, // RSASSA-PSS (§3.5), kty RSA
  es256,
  es384,
  es512, // ECDSA with P-256, P-384, P-521 (§3.4), kty EC
  eddsa, // Ed25519 (RFC 8037), kty OKP
};
inline constexpr std::size_t kAlgorithms = 13;

enum class Family : std::uint8_t { hmac, rsa_pkcs1, rsa_pss, ecdsa, eddsa };

[[nodiscard]] std::string_view to_string(Algorithm algorithm); // as written in tokens: "HS256", "EdDSA"
// A registered name, case-sensitive; "Ed25519" is "EdDSA" here. Other names are not supported.
[[nodiscard]] std::optional<Algorithm> find_algorithm(std::string_view name);
// Whether the name is registered for something other than signatures (RFC 7518 §4.1, §5.1): key management or
// encryption.
[[nodiscard]] bool is_encryption_algorithm(std::string_view name);

[[nodiscard]] Family family_of(Algorithm algorithm);
[[nodiscard]] std::size_t hash_bits(Algorithm algorithm); // 256, 384 or 512; of the inner hash, 512 for Ed25519
// A shared secret is at least as long as the hash (RFC 7518 §3.2).
[[nodiscard]] inline std::size_t min_secret_bytes(Algorithm algorithm) { return hash_bits(algorithm) / 8; }

} // namespace foyer::jose

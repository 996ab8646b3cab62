#include "jose/algorithm.h"

#include <algorithm>
#include <array>

namespace foyer::jose {
namespace {

struct Row {
  std::string_view name;
  Family family;
  std::size_t hash_bits;
};

constexpr std::array<Row, kAlgorithms> kRows{{
    {"HS256", Family::hmac, 256},
    {"HS384", Family::hmac, 384},
    {"HS512", Family::hmac, 512},
    {"RS256", Family::rsa_pkcs1, 256},
    {"RS384", Family::rsa_pkcs1, 384},
    {"RS512", Family::rsa_pkcs1, 512},
    {"PS256", Family::rsa_pss, 256},
    {"PS384", Family::rsa_pss, 384},
    {"PS512", Family::rsa_pss, 512},
    {"ES256", Family::ecdsa, 256},
    {"ES384", Family::ecdsa, 384},
    {"ES512", Family::ecdsa, 512},
    {"EdDSA", Family::eddsa, 512},
}};

constexpr std::string_view kEncryption[] = {"RSA1_5", "RSA-OAEP", "RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512",
    "A128KW", "A192KW", "A256KW", "dir", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW", "A128GCMKW",
    "A192GCMKW", "A256GCMKW", "PBES2-HS256+A128KW", "PBES2-HS384+A192KW", "PBES2-HS512+A256KW", "A128CBC-HS256",
    "A192CBC-HS384", "A256CBC-HS512", "A128GCM", "A192GCM", "A256GCM"};

const Row& row(Algorithm algorithm) { return kRows[static_cast<std::size_t>(algorithm)]; }

} // namespace

std::string_view to_string(Algorithm algorithm) { return row(algorithm).name; }

std::optional<Algorithm> find_algorithm(std::string_view name) {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (kRows[i].name == name) return static_cast<Algorithm>(i);
  if (name == "Ed25519") return Algorithm::eddsa;
  return std::nullopt;
}

bool is_encryption_algorithm(std::string_view name) {
  return std::ranges::find(kEncryption, name) != std::end(kEncryption);
}

Family family_of(Algorithm algorithm) { return row(algorithm).family; }

std::size_t hash_bits(Algorithm algorithm) { return row(algorithm).hash_bits; }

} // namespace foyer::jose

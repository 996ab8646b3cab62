// For tests: the examples printed in the RFCs (vectors/jws.jsonl), and their keys.
#pragma once

#include <fstream>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "jose/testing/token_world.h"

namespace foyer::jose::testing {

struct Vector {
  std::string name;
  json::Object key;
  std::string token;
  std::string code;  // "ok" or the code of the refusal
  std::string signs; // the algorithm that reproduces the printed signature; empty: none
  friend void PrintTo(const Vector& vector, std::ostream* out) { *out << vector.name; }
};

inline const std::vector<Vector>& printed_vectors() {
  static const std::vector<Vector> vectors = [] {
    std::vector<Vector> out;
    std::ifstream file{FOYER_SOURCE_DIR "/src/jose/vectors/jws.jsonl"};
    for (std::string line; std::getline(file, line);) {
      const auto object = json::parse(line)->get_object();
      const auto text = [&](std::string_view name, std::string_view otherwise) {
        return std::string{json::get_string(object, name).value_or(otherwise)};
      };
      out.push_back({.name = text("name", ""),
          .key = object.at("key").get_object(),
          .token = text("token", ""),
          .code = text("code", "ok"),
          .signs = text("signs", "")});
    }
    return out;
  }();
  return vectors;
}

inline const Vector& printed(std::string_view name) {
  for (const auto& vector : printed_vectors())
    if (vector.name == name) return vector;
  throw std::out_of_range("no vector " + std::string{name});
}

// A private key of the RFCs, for one algorithm.
inline json::Object printed_jwk(std::string_view name, std::string_view alg) {
  auto jwk = printed(name).key;
  jwk["alg"] = alg;
  return jwk;
}
inline Key printed_key(std::string_view name, std::string_view alg) {
  return Key::from_jwk(printed_jwk(name, alg)).value();
}
inline Key rsa_key(std::string_view alg) { return printed_key("RFC7515_A2_RS256", alg); }
inline Key p256_key() { return printed_key("RFC7515_A3_ES256", "ES256"); }
inline Key p521_key() { return printed_key("RFC7515_A4_ES512", "ES512"); }
inline Key p384_key() { // only for these tests: no RFC prints one
  return Key::from_jwk({{"kty", "EC"}, {"crv", "P-384"}, {"alg", "ES384"},
                           {"x", "IjmCS8UMM3OUMqlMtTaHupFhjksoOB6Qgt9b0uAQbEECpA9f2zw8YCTwfTxGgtPz"},
                           {"y", "BtBGmI0DiP0ZeijAln-IzbYp6TXoDJBAfPhBL4A_2YlIx4CwJfNwE5OAYfp0mp0C"},
                           {"d", "kwdHE0jxTzGp9749m6Y49VDQkSH_49-KwpQWKoyJmgbhORUJ5dObYKpqgiOwwBtz"}})
      .value();
}
inline Key hmac_key(std::string_view alg) {
  return printed_key("RFC7515_A1_HS256", alg);
} // 64 octets: long enough for all three

// One key for each algorithm.
inline const std::vector<std::pair<std::string, Key>>& key_of_each_algorithm() {
  static const std::vector<std::pair<std::string, Key>> keys = [] {
    std::vector<std::pair<std::string, Key>> out;
    for (const auto* alg : {"HS256", "HS384", "HS512"}) out.emplace_back(alg, hmac_key(alg));
    for (const auto* alg : {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}) out.emplace_back(alg, rsa_key(alg));
    out.emplace_back("ES256", p256_key());
    out.emplace_back("ES384", p384_key());
    out.emplace_back("ES512", p521_key());
    out.emplace_back("EdDSA", ed25519_key());
    return out;
  }();
  return keys;
}

} // namespace foyer::jose::testing

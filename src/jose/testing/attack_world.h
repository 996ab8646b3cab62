// Shared by the tests of attacks on tokens: keys, verifiers, and hand-made tokens.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "jose/testing/vectors_world.h"

namespace foyer::jose::testing {

// The token with another third segment.
inline std::string resigned(std::string_view token, std::string_view signature) {
  return std::string{token.substr(0, token.rfind('.') + 1)} + base64url_encode(signature);
}
inline std::string signature_of(std::string_view token) {
  return base64url_decode(token.substr(token.rfind('.') + 1)).value();
}

// Typical hand-made changes to a PEM text.
inline std::string without_last_newline(std::string pem) {
  while (pem.ends_with('\n')) pem.pop_back();
  return pem;
}
inline std::string der_of(const std::string& pem) {
  std::string body;
  for (std::size_t at = pem.find('\n') + 1; pem[at] != '-'; ++at)
    if (pem[at] != '\n') body += pem[at];
  return base64_decode(body).value();
}

class Attack : public ::testing::Test {
 protected:
  Key hs = hs256_key();
  Key ed = ed25519_key();
  Verifier by_secret = verifier(hs);
  Verifier by_public_key = verifier(ed);
  std::string good = signed_claims(hs, write_claims(claims()));

  std::string with_header(const std::string& header) const { return token_of(hs, header, write_claims(claims())); }
};

} // namespace foyer::jose::testing

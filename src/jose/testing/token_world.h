// For the tests of tokens: keys, a policy, and hand-made tokens, valid or not.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "jose/jws.h"
#include "jose/signer.h"
#include "jose/verifier.h"

namespace foyer::jose::testing {

inline constexpr std::string_view kSecret = "correct horse battery staple, 37 bytes";
inline const WallTime kNow = from_unix_seconds(1'800'000'000);

inline Key hs256_key() { return *Key::from_secret(kSecret); }
inline Key ed25519_key(std::uint64_t seed = 1) {
  FixedEntropy entropy{seed};
  return Key::generate(Algorithm::eddsa, entropy);
}

inline VerifierPolicy policy() {
  return {.issuer = "https://chat.example", .audience = "foyer", .environment = "test"};
}

inline Verifier verifier(const Key& key) { return Verifier{*KeySet::of(key.public_part()), policy()}; }

inline AccessClaims claims() {
  return {
      .issuer = "https://chat.example",
      .audience = "foyer",
      .subject = UserId{"alice"},
      .issued_at = kNow - Millis{60'000},
      .expires_at = kNow + Millis{840'000},
      .token = TokenId{"jti-1"},
      .client_id = "foyer-web",
      .session = SessionId{"session-1"},
      .name = "Alice",
      .permissions = {.chat_read = true, .chat_write = true},
      .environment = "test",
  };
}

// The claims above as JSON with one member set to a piece of JSON, or left out ("").
inline std::string claims_with(std::string_view name, std::string_view value) {
  auto object = json::parse(write_claims(claims()))->get_object();
  object.erase(name);
  std::string out = json::write(object);
  if (value.empty()) return out;
  out.pop_back();
  return out.append(",\"").append(name).append("\":").append(value).append("}");
}

// A token with exactly this header and these claims, signed with the key.
inline std::string token_of(const Key& key, std::string_view header, std::string_view claims_json) {
  std::string token = base64url_encode(header) + "." + base64url_encode(claims_json);
  return token + "." + base64url_encode(key.sign(token));
}
inline std::string header_of(const Key& key, std::string_view alg) {
  return R"({"alg":")" + std::string{alg} + R"(","typ":"at+jwt","kid":")" + key.kid() + R"("})";
}
inline std::string signed_claims(const Key& key, std::string_view claims_json) {
  return sign_compact(key, "at+jwt", claims_json);
}

// The result of verification: "ok", or the code.
inline std::string outcome(const Verifier& verifier, std::string_view token, WallTime now = kNow) {
  const auto result = verifier.verify(token, now);
  return result ? "ok" : std::string{result.error().code()};
}
// The code and the field at fault.
inline std::string fault(const Verifier& verifier, std::string_view token, WallTime now = kNow) {
  const auto result = verifier.verify(token, now);
  return result ? "ok" : std::string{result.error().code()} + " " + result.error().field;
}

} // namespace foyer::jose::testing

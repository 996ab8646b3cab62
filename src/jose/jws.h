// JSON Web Signature, compact serialisation only (RFC 7515 §3.1, §7.1).
//
// A token's references to its key (jwk, jku, x5u, x5c) are
// never used; `crit` is refused, since no extension is supported.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/refusal.h"
#include "jose/jwk.h"
#include "jose/key_set.h"

namespace foyer::jose {

inline constexpr std::size_t kMaxTokenBytes = 8 * 1024;

struct JwsHeader {
  std::string alg;
  std::optional<std::string> kid;
  std::optional<std::string> typ; // as written
  std::string json;               // the whole header
};

// The parts of a token; nothing is verified yet. Views point into the token.
struct Jws {
  JwsHeader header;
  std::string payload; // any octets, possibly none: callers that need claims read them as JSON
  std::string signature;
  std::string_view signing_input;
};

// INVALID_FORMAT with the fault and nothing of the token's text: size, other
// characters, number of segments, base64url, header JSON, duplicate members, crit.
[[nodiscard]] Result<Jws> parse_compact(std::string_view token, std::size_t max_bytes = kMaxTokenBytes);
// The key that verifies it. ALGORITHM_NOT_ALLOWED, KEY_UNKNOWN, SIGNATURE_INVALID.
[[nodiscard]] Result<const Key*> verify_signature(const Jws& jws, const KeySet& keys);

// header.payload.signature; the header holds alg, typ (if not empty) and kid.
[[nodiscard]] std::string sign_compact(const Key& key, std::string_view typ, std::string_view payload);

// RFC 7515 §4.1.9: "application/" may be omitted, and case does not matter.
[[nodiscard]] bool same_type(std::string_view typ, std::string_view wanted);

} // namespace foyer::jose

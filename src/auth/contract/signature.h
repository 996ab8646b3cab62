// How a service authenticates every request: its id, the time, a nonce, and
// an HMAC over every part that has a meaning. The secret itself is never sent,
// and both sides keep only a key that is derived from it.
//
//   k         = HMAC-SHA256(secret, "foyer-service-v1")
//   signature = base64url(HMAC-SHA256(k, lines)), lines joined by LF:
//               foyer-request-v1, method, target, hex(SHA-256(body)), time, nonce,
//               service id, the client's address, ref, the client's origin
//
// The answer is signed with the same k over the request's nonce, so that no third party
// can forge one, change one, or replay an old one for a new request:
//
//   base64url(HMAC-SHA256(k, lines)), lines joined by LF:
//               foyer-answer-v1, service id, the request's nonce, status, hex(SHA-256(body))
//
// An absent value is an empty line. All are covered, because the auth service
// trusts only a signed request about the person on whose behalf it was made.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/http.h"
#include "base/refusal.h"

namespace foyer::auth {

inline constexpr std::string_view kServiceIdHeader = "X-Service-ID";
inline constexpr std::string_view kServiceTimeHeader = "X-Service-Time"; // milliseconds since 1970
inline constexpr std::string_view kServiceNonceHeader =
    "X-Service-Nonce"; // 16 to 64 of [A-Za-z0-9_-], never the same twice
inline constexpr std::string_view kServiceSignatureHeader = "X-Service-Signature"; // v1=…
inline constexpr std::string_view kClientAddressHeader = "X-Foyer-Client-Address"; // of the person on whose behalf
inline constexpr std::string_view kClientRefHeader = "X-Foyer-Ref";                // connects both processes' logs
inline constexpr std::string_view kClientOriginHeader =
    "X-Foyer-Client-Origin"; // Request::origin_url as the gateway saw it; https there means secure

inline constexpr std::string_view kAnswerSignatureHeader = "X-Service-Answer"; // v1=…, of the answer

// Allowed difference between the clocks of two services; a nonce is remembered for twice as long.
inline constexpr Millis kRequestWindow{60'000};

// Stored instead of the secret: 32 raw bytes, equivalent to the secret for signing.
[[nodiscard]] std::string service_key(std::string_view secret);

struct SignedParts {
  std::string_view method = {};
  std::string_view target = {}; // path and query, as in the request line
  std::string_view body = {};
  std::string_view service = {};
  std::int64_t time_ms = 0;
  std::string_view nonce = {};
  std::string_view address = {};
  std::string_view ref = {};
  std::string_view origin = {};
};
[[nodiscard]] std::string sign(std::string_view key, const SignedParts& parts); // "v1=…"

[[nodiscard]] std::string sign_answer(std::string_view key, std::string_view service, std::string_view nonce,
    int status, std::string_view body); // "v1=…"

// The identity of this process among services, and its key.
class ServiceIdentity {
 public:
  ServiceIdentity(std::string id, std::string_view secret) : id_(std::move(id)), key_(service_key(secret)) {}
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const std::string& key() const { return key_; }

  // The person a request is made for; each may be empty.
  struct OnBehalf {
    std::string_view address = {};
    std::string_view ref = {};
    std::string_view origin = {};
  };
  // Adds the headers of a signature over the request, and returns its nonce; the answer must be
  // signed over it. Every attempt is signed anew.
  std::string sign(Headers& headers, std::string_view method, std::string_view target, std::string_view body,
      OnBehalf who, WallTime now, Entropy& entropy) const;

 private:
  std::string id_;
  std::string key_;
};

// The sender of a request as claimed, before anything is verified.
struct ClaimedService {
  std::string id = {};
  std::int64_t time_ms = 0;
  std::string nonce = {};
  std::string signature = {};
  std::string address = {};
  std::string ref = {};
  std::string origin = {};
};
// SERVICE_CREDENTIALS_MISSING when a header is absent, repeated, or malformed.
[[nodiscard]] Result<ClaimedService> read_claim(const Request& request);
// In constant time: is the answer to our request of that nonce signed with our key?
[[nodiscard]] bool answer_signed(const Response& answer, const ServiceIdentity& identity, std::string_view nonce);
// In constant time: is the signature made with `key`?
[[nodiscard]] bool signed_with(const Request& request, const ClaimedService& claim, std::string_view key);

} // namespace foyer::auth

// How a service authenticates every request: its id, the time, a nonce, and
// an HMAC over everything that the request means. The secret itself never crosses the
// wire, and both sides keep only a key that is derived from it.
//
//   k         = HMAC-SHA256(secret, "foyer-service-v1")
//   signature = base64url(HMAC-SHA256(k, lines)), lines joined by LF:
//               foyer-request-v1, method, target, hex(SHA-256(body)), time, nonce,
//               service id, the client's address, ref, the client's origin
//
// The answer is signed with the same k over the request's nonce, so that nobody in between
// can forge one, change one, or replay an old one for a new request:
//
//   base64url(HMAC-SHA256(k, lines)), lines joined by LF:
//               foyer-answer-v1, service id, the request's nonce, status, hex(SHA-256(body))
//
// What is absent is an empty line. All are covered, because the auth service
// believes only a signed request about the person on whose behalf it was made.
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
inline constexpr std::string_view kClientRefHeader = "X-Foyer-Ref";                // joins both processes' logs
inline constexpr std::string_view kClientOriginHeader =
    "X-Foyer-Client-Origin"; // Request::origin_url as the gateway saw it; https there means secure

inline constexpr std::string_view kAnswerSignatureHeader = "X-Service-Answer"; // v1=…, of the answer

// How far the clocks of two services may differ; a nonce is remembered for twice as long.
inline constexpr Millis kRequestWindow{60'000};

// What is kept instead of the secret: 32 raw bytes, equivalent to the secret for signing.
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

// Who this process is among services, and the right to say so.
class ServiceIdentity {
 public:
  ServiceIdentity(std::string id, std::string_view secret) : id_(std::move(id)), key_(service_key(secret)) {}
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const std::string& key() const { return key_; }

  // For whom a request is made; each may be empty.
  struct OnBehalf {
    std::string_view address = {};
    std::string_view ref = {};
    std::string_view origin = {};
  };
  // Adds the headers of a signature over the request, and returns its nonce, with which the answer
  // must be signed. Every attempt is signed again.
  std::string sign(Headers& headers, std::string_view method, std::string_view target, std::string_view body,
      OnBehalf who, WallTime now, Entropy& entropy) const;

 private:
  std::string id_;
  std::string key_;
};

// What a request says about its sender, before anything of it is believed.
struct ClaimedService {
  std::string id = {};
  std::int64_t time_ms = 0;
  std::string nonce = {};
  std::string signature = {};
  std::string address = {};
  std::string ref = {};
  std::string origin = {};
};
// SERVICE_CREDENTIALS_MISSING when a header is absent, twice, or not of its form.
[[nodiscard]] Result<ClaimedService> read_claim(const Request& request);
// In constant time: is the answer to our request of that nonce signed with our key?
[[nodiscard]] bool answer_signed(const Response& answer, const ServiceIdentity& identity, std::string_view nonce);
// In constant time: is the signature made with `key`?
[[nodiscard]] bool signed_with(const Request& request, const ClaimedService& claim, std::string_view key);

} // namespace foyer::auth

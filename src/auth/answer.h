// Parses an answer of the auth service: either a valid answer, or exactly one
// named reason why it is not. HTML instead of JSON, a redirect, our own
// address, another server's answer are reported as such, never as "auth failed".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/contract/signature.h"
#include "base/http.h"
#include "base/json.h"
#include "base/refusal.h"
#include "client/http_client.h"

namespace foyer::auth {

struct Fault {
  Refusal refusal = {};   // AUTH_SERVICE_CONNECTION_ERROR, AUTH_SERVICE_TIMEOUT, AUTH_SERVICE_NOT_AVAILABLE,
                          // INVALID_RESPONSE_FORMAT; or a code from the auth service
  bool transient = false; // a retry may help: transport faults, 502, 503, 504, invalid answers. Never for a code
                          // from the auth service
  bool counts = false;    // against the circuit breaker
};

// The JSON object of a 2xx answer of a Foyer (X-Foyer, application/json). A problem+json
// with X-Foyer and a code of ours is that cause, whole, neither transient nor counted.
// `what` names the call in the evidence ("POST /internal/verify").
[[nodiscard]] std::expected<json::Object, Fault> read_answer(const client::HttpResult& result, std::string_view what);

// For an answer that was read: AUTH_ANSWER_UNSIGNED unless it is signed over the nonce of our request.
[[nodiscard]] std::optional<Fault> distrust_answer(
    const Response& response, const ServiceIdentity& identity, std::string_view nonce, std::string_view what);

// The cause of a transport fault (no answer was read).
[[nodiscard]] Refusal refusal_of(const client::NetError& error);

} // namespace foyer::auth

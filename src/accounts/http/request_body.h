// Parsing requests to /auth/*: JSON objects with known members only,
// Bearer tokens, the session cookie, the Origin.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.h"
#include "base/json.h"
#include "base/operation.h"
#include "base/refusal.h"

namespace foyer::accounts {

// The object of an application/json body in which every member is one of `known`, of
// its type, and no required one is missing. An absent body is an empty object.
// CONTENT_TYPE_UNSUPPORTED, BODY_TOO_LARGE, BAD_REQUEST with the member as field.
[[nodiscard]] Result<json::Object> read_body(const Request& request, std::span<const Member> known);

// The token of `Authorization: Bearer …` (RFC 6750 §2.1). NO_TOKEN, INVALID_FORMAT,
// AMBIGUOUS_CREDENTIALS, TOKEN_IN_URL; WRONG_TOKEN_TYPE for an opaque token.
[[nodiscard]] Result<std::string> bearer_token(const Request& request);

// True when the request's Origin is one of `allowed`. ORIGIN_REQUIRED, ORIGIN_NOT_ALLOWED.
[[nodiscard]] Result<bool> check_origin(const Request& request, const std::vector<std::string>& allowed);

// A serialised origin (RFC 6454 §6.2): scheme://host[:port] or null. BAD_REQUEST with field "origin".
[[nodiscard]] Result<bool> check_serialised_origin(std::string_view origin);

} // namespace foyer::accounts

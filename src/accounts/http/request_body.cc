#include "accounts/http/request_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "accounts/model/token_forms.h"
#include "base/bytes.h"
#include "wire/request_fields.h"
#include "wire/url.h"

namespace foyer::accounts {
namespace {

constexpr std::size_t kMaxBodyBytes = 16 * 1024;

bool fits(const json::Value& value, MemberType type) {
  switch (type) {
    case MemberType::text: return value.is_string();
    case MemberType::flag: return value.is_bool();
    case MemberType::number: return value.is_int64() || value.is_uint64();
    case MemberType::list: return value.is_array();
    case MemberType::object: return value.is_object();
    case MemberType::any: return true;
  }
  return false;
}

// 1.0 is the integer 1 (JSON Schema).
void make_whole(json::Value& value) {
  if (!value.is_double()) return;
  const double number = value.get_double();
  if (std::floor(number) == number && std::abs(number) < 9'007'199'254'740'992.0)
    value = static_cast<std::int64_t>(number);
}

std::string_view in_words(MemberType type) {
  switch (type) {
    case MemberType::text: return "a string";
    case MemberType::flag: return "true or false";
    case MemberType::number: return "a whole number";
    case MemberType::list: return "an array";
    case MemberType::object: return "an object";
    case MemberType::any: break;
  }
  return "";
}

} // namespace

Result<json::Object> read_body(const Request& request, std::span<const Member> known) {
  json::Object object;
  const bool declared = request.method == "POST" && request.headers.find("content-type") != nullptr;
  if ((!request.body.empty() || declared) && !wire::is_of_type(request.headers, "application/json")) {
    const std::string* type = request.headers.find("content-type");
    return refuse_field(Cause::CONTENT_TYPE_UNSUPPORTED, "Content-Type",
        type == nullptr ? std::string{"a body without Content-Type"} : "Content-Type: " + printable(*type, 64));
  }
  if (request.body.size() > kMaxBodyBytes)
    return refuse(Cause::BODY_TOO_LARGE,
        fmt::format("{} bytes; at most {} are allowed here", request.body.size(), kMaxBodyBytes));
  if (!request.body.empty()) {
    auto value = json::parse(request.body, {.bytes = kMaxBodyBytes, .depth = 4});
    if (!value) return refuse(Cause::BAD_REQUEST, "the body is not JSON: " + value.error());
    if (!value->is_object()) return refuse(Cause::BAD_REQUEST, "the body is not a JSON object");
    object = std::move(value->as_object());
  }
  for (auto& member : object) {
    const std::string_view name{member.key()};
    const auto found = std::ranges::find(known, name, &Member::name);
    if (found == known.end()) return refuse_field(Cause::BAD_REQUEST, printable(name, 64), "unknown member");
    if (found->type == MemberType::number) make_whole(member.value());
    if (!fits(member.value(), found->type))
      return refuse_field(Cause::BAD_REQUEST, std::string{name}, fmt::format("it must be {}", in_words(found->type)));
  }
  for (const auto& member : known)
    if (member.required && !object.contains(member.name))
      return refuse_field(Cause::BAD_REQUEST, std::string{member.name}, "it is missing");
  return object;
}

Result<std::string> bearer_token(const Request& request) {
  const std::size_t headers = request.headers.count("authorization");
  const bool in_url = request.query_arg("access_token").has_value() || request.query_arg("token").has_value();
  if (headers > 1 || (headers == 1 && in_url))
    return refuse(Cause::AMBIGUOUS_CREDENTIALS,
        headers > 1 ? "more than one Authorization header" : "an Authorization header and a token in the URL");
  if (in_url) return refuse(Cause::TOKEN_IN_URL);
  if (headers == 0) return refuse(Cause::NO_TOKEN, "no Authorization header");
  const auto [scheme, token] = wire::read_authorization(*request.headers.find("authorization"));
  if (!iequals(scheme, "bearer"))
    return refuse_field(Cause::INVALID_FORMAT, "Authorization", "the scheme is not Bearer");
  if (token.empty()) return refuse_field(Cause::INVALID_FORMAT, "Authorization", "Bearer without a token");
  if (looks_opaque(token))
    return refuse_field(Cause::WRONG_TOKEN_TYPE, "Authorization",
        "an opaque token (refresh token, cookie, ticket) instead of an access token");
  return std::string{token};
}

Result<bool> check_origin(const Request& request, const std::vector<std::string>& allowed) {
  const std::size_t count = request.headers.count("origin");
  if (count == 0) return refuse_field(Cause::ORIGIN_REQUIRED, "Origin");
  const std::string& origin = *request.headers.find("origin");
  if (count > 1 || std::ranges::find(allowed, origin) == allowed.end())
    return refuse_field(Cause::ORIGIN_NOT_ALLOWED, "Origin", "Origin: " + printable(origin));
  return true;
}

Result<bool> check_serialised_origin(std::string_view origin) {
  if (origin == "null") return true;
  const auto url = wire::parse_url(origin);
  if (!url || url->origin() != origin)
    return refuse_field(Cause::BAD_REQUEST, "origin",
        "an origin is scheme://host or scheme://host:port, in lower case, without a path");
  return true;
}

} // namespace foyer::accounts

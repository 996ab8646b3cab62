#include "auth/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "auth/contract/messages.h"
#include "base/bytes.h"
#include "base/words.h"
#include "client/retry_after.h"
#include "wire/url.h"

namespace foyer::auth {
namespace {

constexpr std::size_t kTypeBytes = 48;
constexpr Millis kLongestRetryAfter = std::chrono::hours{1}; // a longer Retry-After does not count

bool is_token_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
      std::string_view("/+.-_").find(c) != std::string_view::npos;
}

// "text/html" of "Text/HTML; charset=utf-8"; empty when it is missing or must not be shown.
std::string media_type(const Response& response) {
  const std::string* value = response.headers.find("Content-Type");
  if (value == nullptr) return {};
  std::string type = value->substr(0, std::min(value->find_first_of("; \t,"), kTypeBytes));
  for (char& c : type)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return std::ranges::all_of(type, is_token_byte) ? type : std::string{};
}

bool begins_as_markup(std::string_view body) {
  const auto first = body.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && body[first] == '<';
}

// The kind of an unexpected answer, without any of its text.
std::string kind_of(const Response& response) {
  const std::string type = media_type(response);
  if (type == "text/html" || type == "application/xhtml+xml") return "an HTML page";
  if (begins_as_markup(response.body))
    return type.empty() ? "markup without a content type" : fmt::format("markup that calls itself {}", type);
  if (response.body.empty()) return "an empty body";
  return type.empty() ? "a body without a content type" : type;
}

// The sender of an answer, as far as the answer shows it.
std::string_view author_of(const Response& response) {
  return response.headers.find("X-Foyer") != nullptr
      ? "a Foyer"
      : "something that is not Foyer (no X-Foyer header: a proxy, or another server)";
}

Fault invalid(std::string evidence, std::string field = {}) {
  return {
      .refusal = {.cause = Cause::INVALID_RESPONSE_FORMAT, .evidence = std::move(evidence), .field = std::move(field)},
      .transient = true,
      .counts = true};
}

// Only the host of a Location: paths and queries may hold private data.
std::string redirect_target(const Response& response) {
  const std::string* location = response.headers.find("Location");
  if (location == nullptr) return "nowhere (no Location)";
  if (location->starts_with('/') && !location->starts_with("//")) return "another path of the same server";
  std::string absolute = location->starts_with("//") ? "http:" + *location : *location;
  absolute.resize(std::min(absolute.size(), absolute.find('#')));
  const auto url = wire::parse_url(absolute);
  return url ? printable(url->host, 128) : "an invalid address";
}

std::optional<Millis> retry_after_header(const Response& response) {
  const auto wait = client::retry_after(response);
  return wait && *wait <= kLongestRetryAfter ? wait : std::nullopt;
}

// A refusal by the auth service itself, sent as a problem.
std::optional<Refusal> reported_cause(const Response& response, std::string_view what) {
  if (response.headers.find("X-Foyer") == nullptr || media_type(response) != "application/problem+json")
    return std::nullopt;
  const auto body = json::parse(response.body);
  if (!body || !body->is_object()) return std::nullopt;
  auto refusal = decode_refusal(body->as_object());
  if (!refusal) return std::nullopt;
  if (!refusal->retry_after) refusal->retry_after = retry_after_header(response);
  if (refusal->evidence.empty()) {
    refusal->evidence = fmt::format("the auth service answered {} with {}", what, response.status);
    if (const auto ref = json::get_string(body->as_object(), "ref"); ref && !ref->empty())
      refusal->evidence += fmt::format(", its ref {}", printable(*ref, 32));
  }
  return refusal;
}

// The auth service has this path and method: a server without them is another Foyer.
bool means_no_auth_role(Cause cause) { return cause == Cause::UNKNOWN_PATH || cause == Cause::METHOD_NOT_ALLOWED; }

Fault fault_of(const Response& response, std::string_view what) {
  const int status = response.status;
  if (status >= 300 && status < 400)
    return invalid(fmt::format(
        "{}: answered {}, a redirect to {}; redirects are not followed", what, status, redirect_target(response)));
  if (auto reported = reported_cause(response, what)) {
    if (means_no_auth_role(reported->cause))
      return invalid(
          fmt::format("{}: a Foyer without the auth role answered {} {}; it may be this gateway's own address", what,
              status, reported->code()));
    return {.refusal = std::move(*reported), .transient = false, .counts = false};
  }
  if (status >= 500) {
    const bool passing = status == 502 || status == 503 || status == 504;
    return {.refusal = {.cause = Cause::AUTH_SERVICE_NOT_AVAILABLE,
                .evidence =
                    fmt::format("{}: answered {} with {} by {}", what, status, kind_of(response), author_of(response)),
                .retry_after = retry_after_header(response)},
        .transient = passing,
        .counts = true};
  }
  return invalid(fmt::format("{}: answered {} with {} by {}", what, status, kind_of(response), author_of(response)));
}

} // namespace

Refusal refusal_of(const client::NetError& error) {
  using Kind = client::NetError::Kind;
  std::string evidence = fmt::format("{}: {}", to_string(error.phase), printable(error.what, 256));
  switch (error.kind) {
    case Kind::timeout: return {.cause = Cause::AUTH_SERVICE_TIMEOUT, .evidence = std::move(evidence)};
    case Kind::protocol: return {.cause = Cause::INVALID_RESPONSE_FORMAT, .evidence = std::move(evidence)};
    case Kind::none:
    case Kind::resolve:
    case Kind::connect:
    case Kind::not_allowed:
    case Kind::tls:
    case Kind::closed: break;
  }
  return {.cause = Cause::AUTH_SERVICE_CONNECTION_ERROR, .evidence = std::move(evidence)};
}

std::expected<json::Object, Fault> read_answer(const client::HttpResult& result, std::string_view what) {
  if (!result) {
    Fault fault{.refusal = refusal_of(result.error()), .transient = true, .counts = true};
    fault.refusal.evidence = fmt::format("{}: {}", what, fault.refusal.evidence);
    return std::unexpected(std::move(fault));
  }
  const Response& response = *result;
  if (response.status < 200 || response.status > 299) return std::unexpected(fault_of(response, what));
  if (response.headers.find("X-Foyer") == nullptr)
    return std::unexpected(invalid(
        fmt::format("{}: answered {} with {} by {}", what, response.status, kind_of(response), author_of(response))));
  if (media_type(response) != "application/json" || response.body.empty())
    return std::unexpected(invalid(fmt::format(
        "{}: a Foyer answered {} with {} instead of application/json", what, response.status, kind_of(response))));
  auto body = json::parse(response.body);
  if (!body)
    return std::unexpected(invalid(fmt::format(
        "{}: answered {} with application/json that is not valid JSON", what, counted(response.body.size(), "byte"))));
  if (!body->is_object()) return std::unexpected(invalid(fmt::format("{}: answered JSON that is not an object", what)));
  return std::move(body->as_object());
}

std::optional<Fault> distrust_answer(
    const Response& response, const ServiceIdentity& identity, std::string_view nonce, std::string_view what) {
  if (answer_signed(response, identity, nonce)) return std::nullopt;
  const bool absent = response.headers.find(kAnswerSignatureHeader) == nullptr;
  return Fault{
      .refusal = {.cause = Cause::AUTH_ANSWER_UNSIGNED,
          .evidence = fmt::format("{}: the answer {}", what,
              absent ? "is not signed: it comes from an auth service older than this gateway, or from another sender"
                     : "has a wrong signature"),
          .field = std::string(kAnswerSignatureHeader)},
      .transient = false,
      .counts = false};
}

} // namespace foyer::auth

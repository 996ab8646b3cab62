#include "accounts/clients/oauth.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/json.h"
#include "wire/request_fields.h"

namespace foyer::accounts {
namespace {

constexpr std::size_t kMaxFormBytes = 16 * 1024;
constexpr std::size_t kMaxParameters = 32;
constexpr std::size_t kMaxName = 64;

OAuthFault invalid_request(Cause cause, std::string evidence, std::string field = {}) {
  return {.error = "invalid_request",
      .refusal = {.cause = cause, .evidence = std::move(evidence), .field = std::move(field)}};
}

// The characters allowed in error_description (RFC 6749 §5.2): printable ASCII but " and backslash.
std::string description(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '"' ? '\'' : c == '\\' ? '/' : (c < 0x20 || c > 0x7e) ? '?' : c;
  return out;
}

int status_of(const OAuthFault& fault) {
  if (fault.error == "invalid_client") return 401;
  if (fault.error == "temporarily_unavailable" || fault.error == "server_error") return fault.refusal.info().http;
  return fault.refusal.cause == Cause::BODY_TOO_LARGE ? 413 : 400;
}

} // namespace

std::optional<std::string> form_decode(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  return percent_decode(spaced);
}

OAuthResult<Form> read_form(const Request& request) {
  if (!wire::is_of_type(request.headers, "application/x-www-form-urlencoded")) {
    const std::string* type = request.headers.find("content-type");
    return std::unexpected(invalid_request(Cause::CONTENT_TYPE_UNSUPPORTED,
        type == nullptr ? std::string{"no Content-Type"} : "Content-Type: " + printable(*type, 64), "Content-Type"));
  }
  if (request.body.size() > kMaxFormBytes)
    return std::unexpected(invalid_request(Cause::BODY_TOO_LARGE,
        fmt::format("{} bytes; at most {} are allowed here", request.body.size(), kMaxFormBytes)));
  Form form;
  std::size_t count = 0;
  for (std::string_view rest = request.body; !rest.empty();) {
    const auto end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (pair.empty()) continue;
    if (++count > kMaxParameters)
      return std::unexpected(
          invalid_request(Cause::BAD_REQUEST, fmt::format("more than {} parameters", kMaxParameters)));
    const auto equals = pair.find('=');
    auto name = form_decode(pair.substr(0, equals));
    auto value = form_decode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1));
    if (!name || !value || !is_utf8(*name) || !is_utf8(*value))
      return std::unexpected(invalid_request(Cause::BAD_REQUEST, "the form is not percent-encoded UTF-8"));
    const std::string shown = printable(*name, kMaxName);
    if (!form.emplace(std::move(*name), std::move(*value)).second)
      return std::unexpected(invalid_request(Cause::BAD_REQUEST, "the parameter came more than once", shown));
  }
  std::erase_if(form, [](const auto& one) { return one.second.empty(); });
  return form;
}

std::optional<std::string> find(const Form& form, std::string_view name) {
  const auto found = form.find(name);
  if (found == form.end()) return std::nullopt;
  return found->second;
}

OAuthResult<ClientClaim> read_client(const Request& request, const Form& form) {
  const auto id = find(form, "client_id");
  const auto secret = find(form, "client_secret");
  const auto headers = request.headers.count("authorization");
  if (headers > 1 || (headers == 1 && secret))
    return std::unexpected(invalid_request(Cause::AMBIGUOUS_CREDENTIALS,
        headers > 1 ? "more than one Authorization header" : "an Authorization header and client_secret"));
  if (secret && !id)
    return std::unexpected(invalid_request(Cause::BAD_REQUEST, "client_secret without client_id", "client_id"));
  if (secret) return ClientClaim{.by = ClientClaim::By::body, .id = *id, .secret = *secret, .as_written = {}};
  if (headers == 0)
    return ClientClaim{.by = ClientClaim::By::nothing, .id = id.value_or(""), .secret = {}, .as_written = {}};

  const auto wrong = [](Cause cause, std::string what) {
    return std::unexpected(OAuthFault{.error = "invalid_client",
        .refusal = {.cause = cause, .evidence = std::move(what), .field = "Authorization"},
        .basic = true});
  };
  const auto [scheme, credential] = wire::read_authorization(*request.headers.find("authorization"));
  if (iequals(scheme, "bearer"))
    return wrong(Cause::WRONG_TOKEN_TYPE, "a Bearer token instead of the client's own credentials");
  if (!iequals(scheme, "basic") || credential.empty())
    return wrong(Cause::SERVICE_CREDENTIALS_MISSING, "the scheme is not Basic");
  const auto text = base64_decode(credential);
  const auto colon = text ? text->find(':') : std::string::npos;
  if (colon == std::string::npos) return wrong(Cause::SERVICE_CREDENTIALS_MISSING, "Basic is not base64 of id:secret");
  const std::string raw_id = text->substr(0, colon);
  const std::string raw_secret = text->substr(colon + 1);
  auto decoded_id = form_decode(raw_id);
  auto decoded_secret = form_decode(raw_secret);
  ClientClaim claim{.by = ClientClaim::By::basic, .id = raw_id, .secret = raw_secret, .as_written = {}};
  if (decoded_id && decoded_secret) {
    if (*decoded_id != raw_id || *decoded_secret != raw_secret) claim.as_written.emplace(raw_id, raw_secret);
    claim.id = std::move(*decoded_id);
    claim.secret = std::move(*decoded_secret);
  }
  if (claim.id.empty() || claim.secret.empty())
    return wrong(Cause::SERVICE_CREDENTIALS_MISSING, "Basic without id or without secret");
  if (id && *id != claim.id)
    return std::unexpected(invalid_request(
        Cause::AMBIGUOUS_CREDENTIALS, "client_id is not the id in the Authorization header", "client_id"));
  return claim;
}

bool is_ours(const Refusal& refusal) {
  // Faults of services are 503 to a gateway's users; to the service itself they are its own.
  return (refusal.info().http >= 500 && refusal.step() != Step::service_identity) || refusal.info().http == 429;
}

OAuthFault fault_of(std::string_view error, Refusal refusal, bool basic) {
  if (is_ours(refusal)) error = refusal.info().http == 500 ? "server_error" : "temporarily_unavailable";
  return {.error = error, .refusal = std::move(refusal), .basic = basic};
}

OAuthFault client_fault(Refusal refusal, bool basic) { return fault_of("invalid_client", std::move(refusal), basic); }

Response oauth_answer(int status, std::string json) {
  Response response = json_response(status, std::move(json));
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("Pragma", "no-cache");
  return response;
}

Response oauth_error(const OAuthFault& fault, bool reveal) {
  const Refusal& refusal = fault.refusal;
  std::string text = fmt::format("{}: {}", refusal.code(),
      refusal.step() == Step::service_identity ? refusal.info().operator_text : refusal.info().client);
  if (!refusal.field.empty()) text += " Field: " + refusal.field + ".";
  if (reveal && !refusal.evidence.empty()) text += " " + refusal.evidence;
  json::Object body{{"error", fault.error}, {"error_description", description(text)}};
  Response response = oauth_answer(status_of(fault), json::write(body));
  // RFC 6749 §5.2. Other clients cannot use it, and libraries would show it in place of the error.
  if (response.status == 401 && fault.basic)
    response.headers.set("WWW-Authenticate", "Basic realm=\"foyer\", charset=\"UTF-8\"");
  const auto wait = refusal.retry_after ? refusal.retry_after
                                        : (is_ours(refusal) ? std::optional<Millis>{Millis{1000}} : std::nullopt);
  if (wait)
    response.headers.set("Retry-After",
        std::to_string(std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(*wait).count())));
  return response;
}

} // namespace foyer::accounts

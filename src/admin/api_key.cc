#include "admin/api_key.h"

#include <string_view>

#include "base/bytes.h"
#include "wire/request_fields.h"

namespace foyer::admin {
namespace {

std::optional<std::string_view> sent_key(const Request& request) {
  if (request.headers.count("X-API-Key") != 0) {
    const std::string* header = wire::sole(request.headers, "X-API-Key");
    return header == nullptr ? std::string_view{} : std::string_view{*header};
  }
  const std::string* authorization = wire::sole(request.headers, "Authorization");
  if (authorization == nullptr) return std::nullopt;
  const auto [scheme, credential] = wire::read_authorization(*authorization);
  if (!iequals(scheme, "apikey") || credential.empty()) return std::nullopt;
  return credential;
}

} // namespace

std::optional<Refusal> ApiKey::check(const Request& request) const {
  if (key_.empty()) return Refusal{.cause = Cause::UNKNOWN_PATH, .evidence = "no API key is configured"};
  const auto sent = sent_key(request);
  // Compares digests, so that not even the length of the key can be measured.
  if (sent && constant_time_equal(sha256(*sent), sha256(key_))) return std::nullopt;
  return Refusal{.cause = Cause::API_KEY_REJECTED, .evidence = sent ? "another key was sent" : "no key was sent"};
}

} // namespace foyer::admin

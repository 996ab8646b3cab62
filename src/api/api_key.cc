#include "api/api_key.h"

#include <string_view>

#include "base/bytes.h"

namespace foyer::api {
namespace {

std::optional<std::string_view> sent_key(const Request& request) {
  if (const std::string* header = request.headers.find("X-API-Key")) return *header;
  const std::string* authorization = request.headers.find("Authorization");
  if (authorization == nullptr) return std::nullopt;
  const std::string_view value = *authorization;
  const std::size_t space = value.find(' ');
  if (space == std::string_view::npos || !iequals(value.substr(0, space), "apikey")) return std::nullopt;
  return value.substr(space + 1);
}

} // namespace

std::optional<Refusal> ApiKey::check(const Request& request) const {
  if (key_.empty()) return Refusal{.cause = Cause::UNKNOWN_PATH, .evidence = "no API key is configured"};
  const auto sent = sent_key(request);
  // Digests, so that not even the length of the key can be measured.
  if (sent && constant_time_equal(sha256(*sent), sha256(key_))) return std::nullopt;
  return Refusal{.cause = Cause::API_KEY_REJECTED, .evidence = sent ? "another key was sent" : "no key was sent"};
}

} // namespace foyer::api

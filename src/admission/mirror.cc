#include "admission/mirror.h"

#include <algorithm>

#include "admission/credentials.h"
#include "admission/door.h"
#include "admission/evidence.h"
#include "base/bytes.h"
#include "wire/request_fields.h"

namespace foyer::admission {
namespace {

constexpr std::size_t kLongestValue = 256;
constexpr std::size_t kMostNames = 100; // of headers, cookies, subprotocols

std::string shown(std::string_view text) { return printable(text, kLongestValue); }

// A header's values, joined; null if it is absent.
json::Value header(const Request& request, std::string_view name) {
  if (request.headers.count(name) == 0) return nullptr;
  return json::Value(shown(request.headers.joined(name)));
}

// As an HTTP/1.1 head writes them.
std::int64_t header_bytes(const Request& request) {
  std::size_t sum = 0;
  for (const auto& each : request.headers.list()) sum += each.name.size() + each.value.size() + 4; // ": " and CR LF
  return static_cast<std::int64_t>(sum);
}

json::Array header_names(const Request& request) {
  json::Array out;
  for (const auto& each : request.headers.list())
    if (out.size() < kMostNames) out.emplace_back(shown(each.name));
  return out;
}

// Only ';' separates cookies: text behind a comma is part of a value, which may be a secret.
void add_cookie_names(json::Array& out, std::string_view cookies) {
  while (!cookies.empty() && out.size() < kMostNames) {
    const auto end = std::min(cookies.find(';'), cookies.size());
    const std::string_view pair = cookies.substr(0, end);
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    const auto equals = pair.find('=');
    const auto begin = pair.find_first_not_of(' ');
    if (equals != std::string_view::npos && begin < equals) out.emplace_back(shown(pair.substr(begin, equals - begin)));
  }
}

json::Array cookie_names(const Request& request) {
  json::Array out;
  for (const auto& each : request.headers.list())
    if (iequals(each.name, "Cookie")) add_cookie_names(out, each.value);
  return out;
}

json::Array subprotocols(const Request& request) {
  json::Array out;
  for (const auto offer : offered_subprotocols(request))
    if (out.size() < kMostNames)
      out.emplace_back(looks_like_credential(offer) ? std::string{"(a credential)"} : shown(offer));
  return out;
}

std::optional<json::Object> decoded(std::string_view part) {
  const auto text = base64url_decode(part);
  if (!text) return std::nullopt;
  auto value = json::parse(*text);
  if (!value || !value->is_object()) return std::nullopt;
  return std::move(value->get_object());
}

// Texts and numbers only, and the texts of a list.
json::Value plain(const json::Value* value) {
  if (value == nullptr) return nullptr;
  if (value->is_number()) return *value;
  if (const auto* text = value->if_string()) return json::Value(shown(std::string_view{*text}));
  const auto* list = value->if_array();
  if (list == nullptr) return nullptr;
  json::Array out;
  for (const auto& each : *list)
    if (const auto* text = each.if_string(); text != nullptr && out.size() < kMostNames)
      out.emplace_back(shown(std::string_view{*text}));
  return out;
}

// What a JWT says of itself; nothing is verified. Null for anything else.
json::Value token(std::string_view jwt) {
  const auto first = jwt.find('.');
  const auto second = first == std::string_view::npos ? first : jwt.find('.', first + 1);
  if (second == std::string_view::npos) return nullptr;
  const auto head = decoded(jwt.substr(0, first));
  const auto claims = decoded(jwt.substr(first + 1, second - first - 1));
  if (!head || !claims) return nullptr;
  json::Object out;
  for (const auto* name : {"alg", "kid", "typ"}) out[name] = plain(head->if_contains(name));
  for (const auto* name : {"iss", "aud", "exp"}) out[name] = plain(claims->if_contains(name));
  return out;
}

} // namespace

json::Object seen(const DoorPolicy& policy, const Request& request) {
  const auto credentials = find_credentials(request, true,
      wire::session_cookies(request.headers, {request.secure || policy.secure_cookies, policy.base_path}));
  json::Array auth;
  json::Value claims = nullptr;
  for (const auto& found : credentials) {
    auth.emplace_back(found.where);
    if (claims.is_null()) claims = token(found.credential);
  }
  return {
      {"http_version", "1." + std::to_string(request.version_minor)},
      {"method", shown(request.method)},
      {"path", shown_path(request.path)},
      {"base_path", policy.base_path},
      {"host", header(request, "Host")},
      {"origin", header(request, "Origin")},
      {"upgrade", header(request, "Upgrade")},
      {"connection", header(request, "Connection")},
      {"key", header(request, "Sec-WebSocket-Key")},
      {"version", header(request, "Sec-WebSocket-Version")},
      {"extensions", header(request, "Sec-WebSocket-Extensions")},
      {"subprotocols", subprotocols(request)},
      {"via", header(request, "Via")},
      {"x_forwarded_proto", header(request, "X-Forwarded-Proto")},
      {"x_forwarded_for", header(request, "X-Forwarded-For")},
      {"address", request.address},
      {"scheme", request.secure ? "https" : "http"},
      {"header_bytes", header_bytes(request)},
      {"headers", header_names(request)},
      {"cookies", cookie_names(request)},
      {"auth", std::move(auth)},
      {"token", std::move(claims)},
  };
}

void add_mirror(
    const DoorPolicy& policy, const Request& request, const std::optional<Refusal>& refused, Response& response) {
  if (!is_socket_path(policy, request) && !asks_for_socket(request)) return;
  auto body = json::parse(response.body);
  if (!body || !body->is_object()) return;
  if (refused)
    body->get_object()["doctor"] = refused->code();
  else
    body->get_object()["saw"] = seen(policy, request);
  response.body = json::write(*body);
}

} // namespace foyer::admission

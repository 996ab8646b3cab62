#include "door/evidence.h"

#include <algorithm>

#include "base/bytes.h"
#include "wire/extensions.h"
#include "wire/websocket.h"

namespace foyer::door {
namespace {

constexpr std::size_t kLongestEchoedOffer = 64;

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Calls `each` with every element of a comma separated list header (RFC 9110 §5.6.1).
template <class F>
void for_each_element(const Request& request, std::string_view name, F each) {
  for (const auto& header : request.headers.list()) {
    if (!iequals(header.name, name)) continue;
    std::string_view rest = header.value;
    for (;;) {
      const auto comma = rest.find(',');
      if (const auto element = trim(rest.substr(0, comma)); !element.empty()) each(element);
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
}

bool list_holds(const Request& request, std::string_view name, std::string_view word) {
  bool found = false;
  for_each_element(request, name, [&](std::string_view element) { found = found || iequals(element, word); });
  return found;
}

bool starts_with_word(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

} // namespace

bool says_websocket(const Request& request) { return list_holds(request, "Upgrade", "websocket"); }

bool has_websocket_headers(const Request& request) {
  return std::ranges::any_of(request.headers.list(), [](const Header& h) { return starts_with_word(h.name, "sec-websocket-"); });
}

std::optional<Refusal> check_method(const Request& request) {
  if (request.method == "GET") return std::nullopt;
  return Refusal{.cause = Cause::METHOD_NOT_ALLOWED, .evidence = printable(request.method, 32) + " on a socket path; only GET opens one"};
}

std::optional<Refusal> check_upgrade(const Request& request) {
  const auto missing = [](std::string evidence, std::string field) {
    return Refusal{.cause = Cause::UPGRADE_MISSING, .evidence = std::move(evidence), .field = std::move(field)};
  };
  if (request.headers.count("Upgrade") == 0) {
    if (has_websocket_headers(request))
      return Refusal{.cause = Cause::UPGRADE_STRIPPED, .evidence = "Sec-WebSocket-* headers without an Upgrade header", .field = "Upgrade"};
    return missing("a request without an Upgrade header", "Upgrade");
  }
  if (!says_websocket(request)) return missing("Upgrade: " + printable(request.headers.joined("Upgrade"), 64), "Upgrade");
  if (request.version_minor < 1) return missing("HTTP/1.0, which cannot be upgraded", "");
  if (!list_holds(request, "Connection", "upgrade")) return missing("a Connection header that does not name Upgrade", "Connection");

  const std::string* key = request.headers.find("Sec-WebSocket-Key");
  if (key == nullptr) return Refusal{.cause = Cause::BAD_WEBSOCKET_KEY, .evidence = "no Sec-WebSocket-Key", .field = "Sec-WebSocket-Key"};
  if (request.headers.count("Sec-WebSocket-Key") > 1)
    return Refusal{.cause = Cause::BAD_WEBSOCKET_KEY, .evidence = "Sec-WebSocket-Key more than once", .field = "Sec-WebSocket-Key"};
  if (!wire::valid_websocket_key(*key))
    return Refusal{.cause = Cause::BAD_WEBSOCKET_KEY, .evidence = "a Sec-WebSocket-Key that is not 16 bytes of base64", .field = "Sec-WebSocket-Key"};

  const std::string* version = request.headers.find("Sec-WebSocket-Version");
  if (version == nullptr || request.headers.count("Sec-WebSocket-Version") > 1 || *version != "13") {
    std::string seen = version == nullptr ? "no Sec-WebSocket-Version" : "Sec-WebSocket-Version: " + printable(request.headers.joined("Sec-WebSocket-Version"), 32);
    return Refusal{.cause = Cause::BAD_WEBSOCKET_VERSION, .evidence = std::move(seen), .field = "Sec-WebSocket-Version"};
  }
  // RFC 6455 §9.1: a header that does not follow the grammar fails the handshake. Well formed offers are never refused, only declined.
  if (request.headers.count("Sec-WebSocket-Extensions") != 0 && !wire::parse_extensions(request.headers.joined("Sec-WebSocket-Extensions")))
    return Refusal{.cause = Cause::BAD_REQUEST, .evidence = "a Sec-WebSocket-Extensions that cannot be read", .field = "Sec-WebSocket-Extensions"};
  return std::nullopt;
}

const SocketPath* find_socket(const DoorPolicy& policy, std::string_view path) {
  const auto found = std::ranges::find(policy.sockets, path, &SocketPath::path);
  return found == policy.sockets.end() ? nullptr : &*found;
}

Refusal unknown_path(const DoorPolicy& policy, std::string_view path) {
  std::string evidence = shown_path(path);
  const auto nearest = std::ranges::min_element(policy.sockets, {}, [&](const SocketPath& s) { return edit_distance(path.substr(0, 128), s.path); });
  if (nearest != policy.sockets.end()) evidence += "; the socket is at " + policy.public_ws_base + nearest->path;
  return Refusal{.cause = Cause::UNKNOWN_PATH, .evidence = std::move(evidence)};
}

std::vector<std::string_view> offered_subprotocols(const Request& request) {
  std::vector<std::string_view> out;
  for_each_element(request, "Sec-WebSocket-Protocol", [&](std::string_view element) { out.push_back(element); });
  return out;
}

std::optional<std::string_view> bearer_offer(std::string_view offer) {
  constexpr std::string_view kPrefix = "bearer.";
  if (!starts_with_word(offer, kPrefix)) return std::nullopt;
  return offer.substr(kPrefix.size());
}

bool looks_like_credential(std::string_view offer) {
  return offer.size() > kLongestEchoedOffer || starts_with_word(offer, "bearer.") || starts_with_word(offer, "jwt.") || offer.starts_with("eyJ");
}

bool is_token_word(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kMarks.find(c) != std::string_view::npos;
  });
}

std::vector<std::string> query_values(const Request& request, std::string_view name) {
  std::vector<std::string> out;
  std::string_view rest = request.query;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size());
    const auto pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    const auto key = pair.substr(0, equals);
    if (key != name && (key.find('%') == std::string_view::npos || percent_decode(key).value_or("") != name)) continue;
    out.push_back(percent_decode(pair.substr(std::min(equals + 1, pair.size()))).value_or(""));
  }
  return out;
}

std::vector<std::string> cookie_values(const Request& request, std::string_view name) {
  std::vector<std::string> out;
  for (const auto& header : request.headers.list()) {
    if (!iequals(header.name, "Cookie")) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(';'), rest.size());
      const auto pair = trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const auto equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == name) out.emplace_back(pair.substr(equals + 1));
    }
  }
  return out;
}

std::string_view session_cookie_name(bool secure) { return secure ? "__Host-foyer_session" : "foyer_session"; }

std::optional<std::string> session_cookie(const Request& request, bool secure) {
  auto values = cookie_values(request, session_cookie_name(secure));
  if (values.size() != 1 || values.front().empty()) return std::nullopt;
  return std::move(values.front());
}

} // namespace foyer::door

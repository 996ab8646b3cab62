#include "door/evidence.h"

#include <algorithm>

#include "base/bytes.h"
#include "wire/http_lines.h"

namespace foyer::door {
namespace {

constexpr std::size_t kLongestEchoedOffer = 64;

bool starts_with_word(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

} // namespace

std::optional<Refusal> check_method(const Request& request) {
  if (request.method == "GET") return std::nullopt;
  return Refusal{.cause = Cause::METHOD_NOT_ALLOWED, .evidence = printable(request.method, 32) + " on a socket path; only GET opens one"};
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

bool looks_like_credential(std::string_view offer) {
  return offer.size() > kLongestEchoedOffer || starts_with_word(offer, "bearer.") || starts_with_word(offer, "jwt.") || offer.starts_with("eyJ");
}

bool is_token_word(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kMarks.find(c) != std::string_view::npos;
  });
}

std::vector<std::string> cookie_values(const Request& request, std::string_view name) {
  std::vector<std::string> out;
  for (const auto& header : request.headers.list()) {
    if (!iequals(header.name, "Cookie")) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(';'), rest.size());
      const auto pair = wire::trim_blanks(rest.substr(0, end));
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

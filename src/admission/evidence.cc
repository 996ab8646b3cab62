#include "admission/evidence.h"

#include <algorithm>

#include "base/bytes.h"

namespace foyer::admission {
namespace {

constexpr std::size_t kLongestEchoedOffer = 64;

bool starts_with_word(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

} // namespace

std::optional<Refusal> check_method(const Request& request) {
  if (request.method == "GET") return std::nullopt;
  return Refusal{.cause = Cause::METHOD_NOT_ALLOWED,
      .evidence = printable(request.method, 32) + " on a socket path; only GET opens one"};
}

const SocketPath* find_socket(const DoorPolicy& policy, std::string_view path) {
  const auto found = std::ranges::find(policy.sockets, path, &SocketPath::path);
  return found == policy.sockets.end() ? nullptr : &*found;
}

Refusal unknown_path(const DoorPolicy& policy, std::string_view path) {
  std::string evidence = shown_path(path);
  const auto nearest = std::ranges::min_element(
      policy.sockets, {}, [&](const SocketPath& s) { return edit_distance(path.substr(0, 128), s.path); });
  if (nearest != policy.sockets.end()) evidence += "; the socket is at " + policy.public_ws_base + nearest->path;
  return Refusal{.cause = Cause::UNKNOWN_PATH, .evidence = std::move(evidence)};
}

bool looks_like_credential(std::string_view offer) {
  return offer.size() > kLongestEchoedOffer || starts_with_word(offer, "bearer.") || starts_with_word(offer, "jwt.") ||
      offer.starts_with("eyJ");
}

bool is_token_word(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
        kMarks.find(c) != std::string_view::npos;
  });
}

} // namespace foyer::admission

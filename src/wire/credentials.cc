#include "wire/credentials.h"

#include <algorithm>

#include "base/bytes.h"
#include "wire/http_lines.h"

namespace foyer::wire {
namespace {

// Calls `each` with every element of a comma-separated list header (RFC 9110 §5.6.1).
template <class F>
void for_each_element(const Request& request, std::string_view name, F each) {
  for (const auto& header : request.headers.list()) {
    if (!iequals(header.name, name)) continue;
    std::string_view rest = header.value;
    for (;;) {
      const auto comma = rest.find(',');
      if (const auto element = trim_blanks(rest.substr(0, comma)); !element.empty()) each(element);
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
}

bool starts_with_word(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

} // namespace

bool list_holds(const Request& request, std::string_view name, std::string_view word) {
  bool found = false;
  for_each_element(request, name, [&](std::string_view element) { found = found || iequals(element, word); });
  return found;
}

bool says_websocket(const Request& request) { return list_holds(request, "Upgrade", "websocket"); }

bool has_websocket_headers(const Request& request) {
  return std::ranges::any_of(
      request.headers.list(), [](const Header& h) { return starts_with_word(h.name, "sec-websocket-"); });
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

std::optional<std::string> token_of_offer(std::string_view value) {
  if (value.find('.') != std::string_view::npos) return std::string{value};
  auto decoded = base64url_decode(value);
  if (!decoded || decoded->empty()) return std::nullopt;
  return std::string{std::move(*decoded)};
}

std::vector<std::string> query_values(std::string_view query, std::string_view name) {
  std::vector<std::string> out;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    const auto key = pair.substr(0, equals);
    if (key != name && (key.find('%') == std::string_view::npos || percent_decode(key).value_or("") != name)) continue;
    out.push_back(percent_decode(pair.substr(std::min(equals + 1, pair.size()))).value_or(""));
  }
  return out;
}

} // namespace foyer::wire

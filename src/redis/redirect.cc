#include "redis/redirect.h"

#include <algorithm>
#include <charconv>

namespace foyer::redis {
namespace {

std::string_view take_word(std::string_view& rest) {
  const auto end = std::min(rest.find(' '), rest.size());
  const auto word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

} // namespace

std::optional<Redirect> read_redirect(std::string_view error, const Endpoint& asked) {
  Redirect out;
  const std::string_view word = take_word(error), slot = take_word(error);
  const auto colon = error.rfind(':');
  if ((word != "MOVED" && word != "ASK") || colon == std::string_view::npos) return std::nullopt;
  out.ask = word == "ASK";
  const auto [end, fault] = std::from_chars(slot.data(), slot.data() + slot.size(), out.slot);
  if (fault != std::errc{} || end != slot.data() + slot.size() || out.slot >= kSlots) return std::nullopt;
  const std::string_view host = error.substr(0, colon);
  const auto to = read_endpoint(host.empty() ? std::string_view(asked.host) : host, error.substr(colon + 1));
  if (!to) return std::nullopt;
  out.to = *to;
  return out;
}

} // namespace foyer::redis

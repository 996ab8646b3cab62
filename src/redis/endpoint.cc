#include "redis/endpoint.h"

#include <algorithm>
#include <charconv>

namespace foyer::redis {

std::optional<Endpoint> read_endpoint(std::string_view host, std::string_view port) {
  const bool fits = !host.empty() && host.size() <= kMostHostBytes &&
      std::ranges::all_of(host, [](char c) { return c > 0x20 && c < 0x7f; });
  std::uint16_t number = 0;
  const auto [end, fault] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (!fits || fault != std::errc{} || end != port.data() + port.size() || number == 0) return std::nullopt;
  return Endpoint{.host = std::string(host), .port = number};
}

} // namespace foyer::redis

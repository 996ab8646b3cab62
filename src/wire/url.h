// URLs with the schemes http, https, ws and wss, read strictly (RFC 3986); origins (RFC 6454).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/refusal.h"

namespace foyer::wire {

struct Url {
  std::string scheme; // lower case
  std::string host;   // lower case, IPv6 without brackets
  std::uint16_t port = 0;
  bool port_given = false;
  std::string path; // begins with '/', or empty
  std::string query;
  [[nodiscard]] std::string origin() const; // scheme://host[:port], default ports omitted
  [[nodiscard]] std::string authority() const;
};

// INVALID_URL, with the reason: scheme, host, port 99999, userinfo, fragment, control characters.
[[nodiscard]] Result<Url> parse_url(std::string_view text);
[[nodiscard]] bool is_loopback_host(std::string_view host);
[[nodiscard]] bool is_ip_literal(std::string_view host);

} // namespace foyer::wire

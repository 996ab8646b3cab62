// The URL of a Valkey or Redis server, read strictly:
//
//   redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]      rediss:// is the same over TLS
//
// User and password are percent-encoded; an IPv6 address stands in brackets. Without a user the password is that of
// the user `default`. There is no query and no fragment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/refusal.h"
#include "redis/endpoint.h"

namespace foyer::redis {

inline constexpr std::size_t kMostUrlBytes = 2048;
inline constexpr std::uint32_t kMostDb = 1'000'000;

struct ServerUrl {
  std::string host; // lower case, IPv6 without brackets
  std::uint16_t port = 6379;
  bool tls = false;
  std::string user = {};
  std::string password = {}; // empty: no login
  std::uint32_t db = 0;

  // For logs and texts: redis://HOST:PORT/DB, without user and password.
  [[nodiscard]] std::string shown() const;
};

// INVALID_URL. The evidence quotes nothing of the URL, since any part of it may be a misplaced password.
[[nodiscard]] Result<ServerUrl> parse_server_url(std::string_view text);

// Parts of such URLs; their refusals are as above.
[[nodiscard]] Result<void> check_characters(std::string_view url);
[[nodiscard]] Result<void> take_credentials(std::string_view& authority, ServerUrl& out); // what stands before the @
[[nodiscard]] Result<Endpoint> parse_host(std::string_view host, std::uint16_t default_port);
[[nodiscard]] Result<void> parse_db(std::string_view digits, ServerUrl& out); // empty: 0
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

} // namespace foyer::redis

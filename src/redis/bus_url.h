// The URL of a bus: one server, a primary that sentinels name, or a cluster. Read strictly:
//
//   redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]                                (server_url.h)
//   redis+sentinel://[[USER]:PASSWORD@]HOST[:PORT],HOST[:PORT]…/NAME[/DB][?sentinel_user=U&sentinel_password=P]
//   redis+cluster://[[USER]:PASSWORD@]HOST[:PORT],HOST[:PORT]…
//
// With rediss instead of redis every connection is over TLS, those to sentinels too. User and password in front of the
// hosts are those of the data servers; sentinels, which often have none, have theirs in the query.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "redis/endpoint.h"
#include "redis/server_url.h"

namespace foyer::redis {

inline constexpr std::uint16_t kSentinelPort = 26379;
inline constexpr std::size_t kMostSeeds = 16;

struct BusUrl {
  enum class Kind : std::uint8_t { server, sentinel, cluster };
  Kind kind = Kind::server;
  ServerUrl server;                 // how to log in to a data server; its host is the first of `seeds` if there are any
  std::vector<Endpoint> seeds = {}; // sentinels, or nodes of the cluster
  std::string name = {};            // of the primary, as the sentinels call it
  std::string sentinel_user = {};
  std::string sentinel_password = {};

  // For logs and texts, without users and passwords.
  [[nodiscard]] std::string shown() const;
};

// INVALID_URL. The evidence quotes nothing of the URL, since any part of it may be a misplaced password.
[[nodiscard]] Result<BusUrl> parse_bus_url(std::string_view text);

} // namespace foyer::redis

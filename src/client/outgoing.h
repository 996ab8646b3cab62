// HTTP requests that this server makes because of its configuration or of what others told it: webhooks, issuers'
// discovery documents and key sets. One pool per server; a policy by the source of the URL:
//
//   operator_  configuration and command line: http or https, any address
//   foreign    the API, a client, a fetched document: https, no user name, port 443 or a listed one, and only
//              connections to global unicast addresses (address_scope.h), checked after the name is resolved
//
// Always: redirects are answers and never followed, no proxy is taken from the environment, an answer has at most
// 256 KiB, and every call has a deadline (PoolCall::timeout).
//
//   TRY(server, outgoing(url, UrlSource::foreign));
//   HttpPool pool(pool_driver(plane), std::move(server.pool));
//   pool.send({.target = server.target}, …);
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/refusal.h"
#include "client/http_pool.h"

namespace foyer::client {

enum class UrlSource : std::uint8_t { operator_, foreign };

inline constexpr std::size_t kOutgoingAnswerBytes = 256 * 1024;

struct OutgoingPolicy {
  TlsOptions tls = {};
  std::vector<std::uint16_t> foreign_ports = {443};
  std::size_t connections = 4;
  std::size_t waiting = 64;
};

struct OutgoingServer {
  PoolOptions pool;
  std::string target; // path and query of the URL
};

// What a pool for the server of this URL is made with. A URL that cannot be read: INVALID_URL of an operator's;
// URL_NOT_ALLOWED of a foreign one, which is also what the policy refuses.
[[nodiscard]] Result<OutgoingServer> outgoing(
    std::string_view url, UrlSource source, const OutgoingPolicy& policy = {});

// URL_NOT_ALLOWED for a connection that the policy refused; nothing for every other failure.
[[nodiscard]] std::optional<Refusal> refused_by_policy(const NetError& error);

} // namespace foyer::client

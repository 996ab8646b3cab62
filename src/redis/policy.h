// How connections to a server behave.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "client/link.h"
#include "redis/reply.h"
#include "redis/server_url.h"
#include "redis/whereabouts.h"

namespace foyer::redis {

inline constexpr std::size_t kSubscribeBatch = 512; // channels of one SUBSCRIBE or UNSUBSCRIBE

struct Policy {
  Millis connect_timeout{5'000}; // resolving, connecting, TLS
  Millis command_timeout{5'000}; // from send() to the reply; also of the login
  Millis idle{5'000};            // an idle connection sends PING; a subscriber one that heard nothing for that long
  Millis backoff_first{100};     // the first wait after a failed attempt; doubled with each
  Millis backoff_most{5'000};
  std::size_t waiting_commands = 100'000;       // without a reply, on one connection
  std::size_t waiting_bytes = 64 * 1024 * 1024; // not written yet, on one connection
  ReplyLimits replies = {};
};

class Cluster;

struct Server {
  ServerUrl url;
  client::TlsOptions tls = {};
  std::vector<std::string> scripts = {}; // loaded with each login, before anything else (script.h)
  // Where it is, in place of the host in `url`; only a primary is taken there. Null: the host in `url`, whatever it is.
  std::shared_ptr<Whereabouts> primary = {};

  // The cluster that it stands for, in place of one server (deployment.h).
  std::shared_ptr<Cluster> cluster = {};

  [[nodiscard]] std::string shown() const; // for texts
};

} // namespace foyer::redis

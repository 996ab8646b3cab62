// Follows a primary that sentinels watch: asks each of them again and again where it is, and tells the connections.
//
//   Sentinel sentinel(*parse_bus_url("redis+sentinel://a:26379,b:26379/main"), {}, {}, system_entropy());
//   Connection redis({.url = …, .primary = sentinel.primary()}, …);   // goes wherever the primary goes
//
// It is asked and not listened to: the sentinel that leads a failover announces it seconds after the others know. What
// a sentinel names is taken by a connection only if it says itself that it is a primary (line.h).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "redis/bus_url.h"
#include "redis/policy.h"

namespace foyer::redis {

class Sentinel {
 public:
  // Begins at once; asks every `every`. The URL is one of sentinels.
  Sentinel(const BusUrl& url, client::TlsOptions tls, Policy policy, Entropy& entropy, Millis every = Millis{1'000});
  ~Sentinel();
  Sentinel(const Sentinel&) = delete;
  Sentinel& operator=(const Sentinel&) = delete;

  [[nodiscard]] std::shared_ptr<Whereabouts> primary() const;

  // Any thread. As SentinelView says it.
  [[nodiscard]] std::optional<std::string> trouble() const;
  [[nodiscard]] std::optional<std::string> sees_down() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace foyer::redis

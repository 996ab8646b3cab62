#include "gateway/arrival.h"

#include <algorithm>

#include "gateway/deps.h"

namespace foyer::gateway {

Arrival arrive(const GatewayPolicy& policy, const GatewayDeps& deps, std::string_view peer, MonoTime now) {
  Arrival arrival;
  const auto take = [&arrival](admission::Permit& into, Result<admission::Permit> pass) {
    if (pass)
      into = std::move(*pass);
    else
      arrival.full = std::move(pass).error();
    return !arrival.full;
  };
  // Behind a trusted proxy everybody has the proxy's address, and the client's is not read yet.
  const bool proxy = policy.trusted_proxies.covers(peer);
  if (take(arrival.socket, deps.gauges.connection()) && take(arrival.handshake, deps.gauges.arrival()) &&
      (proxy || take(arrival.address, deps.addresses.arrive(peer, now))))
    return arrival;
  arrival.handshake.release();
  arrival.socket.release();
  if (auto refused = deps.gauges.refused_socket()) arrival.socket = std::move(*refused);
  return arrival;
}

} // namespace foyer::gateway

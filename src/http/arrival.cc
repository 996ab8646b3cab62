#include "http/arrival.h"

#include "http/deps.h"

namespace foyer::http {

Arrival arrive(const Policy& policy, const Deps& deps, std::string_view peer, MonoTime now) {
  Arrival arrival;
  const auto take = [&arrival](admission::Permit& into, Result<admission::Permit> pass) {
    if (pass)
      into = std::move(*pass);
    else
      arrival.full = std::move(pass).error();
    return !arrival.full;
  };
  // Behind a trusted proxy `peer` is the proxy; the client's address is in a header that has not been read yet.
  const bool proxy = policy.trusted_proxies.covers(peer);
  if (take(arrival.socket, deps.limits.connection()) && take(arrival.handshake, deps.limits.arrival()) &&
      (proxy || take(arrival.address, deps.addresses.arrive(peer, now))))
    return arrival;
  arrival.handshake.release();
  arrival.socket.release();
  if (auto refused = deps.limits.refused_socket()) arrival.socket = std::move(*refused);
  return arrival;
}

} // namespace foyer::http

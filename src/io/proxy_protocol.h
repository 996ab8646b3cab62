// The PROXY protocol on a listener: a socket of a trusted proxy first says who its
// client is, and everything above, TLS included, sees that address as the peer's.
//
// What is accepted is made when the socket is, so that its limits and its first
// deadline are around the header too.
#pragma once

#include <functional>
#include <string_view>

#include "base/ids.h"
#include "base/refusal.h"
#include "io/transport.h"

namespace foyer::io {

class ProxyProtocol {
 public:
  using Trusted = std::function<bool(std::string_view peer)>;
  // PROXY_PROTOCOL_INVALID; gives the reference under which it is kept. From any loop.
  using Report = std::function<Ref(const Refusal& refusal, std::string_view peer)>;

  // `required`: a trusted proxy that sends no header is refused; else the socket is the
  // proxy's own. Then whoever reaches us through a proxy that sends none may invent one.
  ProxyProtocol(bool required, Trusted trusted, Report report)
      : required_(required),
        trusted_(std::move(trusted)),
        report_(std::move(report)) {}

  // Outlives the loops that use it.
  [[nodiscard]] AcceptFunction announced(AcceptFunction accept) const;

  [[nodiscard]] bool required() const { return required_; }
  [[nodiscard]] Ref report(const Refusal& refusal, std::string_view peer) const { return report_(refusal, peer); }

 private:
  bool required_;
  Trusted trusted_;
  Report report_;
};

} // namespace foyer::io

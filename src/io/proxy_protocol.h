// The PROXY protocol on a listener: a trusted proxy first sends its
// client's address, and everything above, TLS included, sees that address as the peer's.
//
// The handler is created when the socket is accepted, so that its limits and its first
// deadline also cover the header.
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
  // PROXY_PROTOCOL_INVALID; returns the reference under which it is recorded. From any loop.
  using Report = std::function<Ref(const Refusal& refusal, std::string_view peer)>;

  // `required`: a trusted proxy that sends no header is refused; otherwise the socket is the
  // proxy's own, and clients behind a proxy that sends no header can forge one.
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

// One outgoing TCP or TLS connection as bytes and events, on a control plane.
// The protocols above it (http_client, ws_client) hold no socket themselves.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "exec/control.h"

namespace foyer::client {

// Where an attempt ended; `what` is a sentence for operators.
struct NetError {
  enum class Kind : std::uint8_t {
    none,
    resolve,     // no address for the host
    connect,     // refused, unreachable
    not_allowed, // every address of the host is outside the target's reach
    tls,         // handshake, certificate
    timeout,     // the deadline passed
    closed,      // the peer closed or reset
    protocol,    // malformed bytes
  } kind = Kind::none;
  std::string what;
  enum class Phase : std::uint8_t {
    connecting, // resolving, connecting, TLS
    waiting,    // for the first byte of the answer
    reading,    // the answer has begun
  } phase = Phase::connecting;
};
[[nodiscard]] std::string_view to_string(NetError::Kind kind);
[[nodiscard]] std::string_view to_string(NetError::Phase phase);

struct TlsOptions {
  std::string ca_file; // in addition to the system's; empty: the system's only
  bool verify = true;
  std::string name = {}; // the name that the certificate must have; empty: the host of the connection
};

// Which addresses a connection may go to.
enum class Reach : std::uint8_t {
  any,
  global, // of the public internet only (address_scope.h)
};

struct LinkTarget {
  std::string host;
  std::uint16_t port = 0;
  bool tls = false;
  TlsOptions tls_options;
  Millis connect_timeout{5'000}; // resolving, connecting and the TLS handshake together
  Reach reach = Reach::any;      // holds for the address that the host resolves to, which is the one connected to
};

// All calls and events on the plane's thread. A Link keeps itself alive until
// `ended`; owners hold it weakly, so that a stopped plane frees everything.
class Link {
 public:
  struct Events {
    std::function<void()> ready;                // connected, TLS done
    std::function<void(std::span<char>)> bytes; // kPadding readable bytes follow; may be changed in place
    std::function<void(NetError)> ended;        // last call; Kind::closed after an orderly end too
  };
  static constexpr std::size_t kPadding = 64;

  static std::weak_ptr<Link> open(exec::ControlPlane& plane, LinkTarget target, Events events);
  virtual ~Link() = default;
  virtual void write(std::string bytes) = 0; // in order; failures come as `ended`
  virtual void finish() = 0;                 // shut down writing once everything is written
  virtual void abort() = 0;                  // close now; no event follows
};

} // namespace foyer::client

// TLS on a listener: wraps a shard's sockets, so that it sees
// plaintext and nothing else changes. Holds the context for new connections,
// counts how handshakes end, and reports those that an operator should know of.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/metrics.h"
#include "base/refusal.h"
#include "io/tls/tls_context.h"
#include "io/transport.h"

namespace foyer::io {

class EventLoop;
struct TlsScratch;

// How a started handshake ended; the label `result` of foyer_tls_handshakes_total.
enum class TlsResult : std::uint8_t {
  full,       // with a new key exchange and a signature
  resumed,    // by a ticket
  plain_http, // the client sent HTTP without TLS
  not_tls,    // the first byte begins neither
  no_common_version,
  no_common_suite,    // or group, or signature scheme
  no_common_protocol, // ALPN without http/1.1
  client_certificate, // missing although required, or not trusted
  refused_by_client,  // it sent an alert; usually it does not trust our certificate
  gone,               // the client left in the middle
  given_up,           // we closed in the middle: header_timeout, drain
  failed,             // anything else, with OpenSSL's text
};
inline constexpr std::size_t kTlsResults = 12;
[[nodiscard]] std::string_view to_string(TlsResult result);

// Outlives the loops that use it.
class TlsServer {
 public:
  // PLAIN_ON_TLS_PORT or TLS_HANDSHAKE_FAILED, and the peer;
  // returns the reference under which it is recorded. From any loop.
  using Report = std::function<Ref(const Refusal& refusal, std::string_view peer)>;

  TlsServer(std::shared_ptr<const TlsContext> context, Metrics& metrics, Report report);
  ~TlsServer();

  // Before the loops start. Handlers that `accept` makes then use a TLS connection; it is
  // called when the socket is accepted, so that its limits and its first deadline
  // also cover the handshake.
  [[nodiscard]] AcceptFunction secured(EventLoop& loop, AcceptFunction accept);

  // For connections accepted from now on. From any thread.
  void replace(std::shared_ptr<const TlsContext> context);
  [[nodiscard]] std::shared_ptr<const TlsContext> context() const;

  // Called by transports.
  void ended(TlsResult result) { results_[static_cast<std::size_t>(result)]->add(); }
  void failed(TlsResult result, std::string evidence, std::string_view peer);
  [[nodiscard]] std::string plain_answer(std::string_view peer, WallTime now); // an HTTP answer, to HTTP without TLS
  [[nodiscard]] std::string proxy_answer(std::string_view peer, WallTime now); // to an unexpected PROXY header

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const TlsContext> context_;
  std::array<Counter*, kTlsResults> results_;
  Report report_;
  std::vector<std::unique_ptr<TlsScratch>> scratch_; // one for each loop and listener
};

} // namespace foyer::io

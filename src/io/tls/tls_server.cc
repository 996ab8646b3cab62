#include "io/tls/tls_server.h"

#include "io/event_loop.h"
#include "io/tls/tls_transport.h"
#include "wire/http_parser.h"
#include "wire/problem.h"

namespace foyer::io {

std::string_view to_string(TlsResult result) {
  switch (result) {
    case TlsResult::full: return "full";
    case TlsResult::resumed: return "resumed";
    case TlsResult::plain_http: return "plain_http";
    case TlsResult::not_tls: return "not_tls";
    case TlsResult::no_common_version: return "no_common_version";
    case TlsResult::no_common_suite: return "no_common_suite";
    case TlsResult::no_common_protocol: return "no_common_protocol";
    case TlsResult::client_certificate: return "client_certificate";
    case TlsResult::refused_by_client: return "refused_by_client";
    case TlsResult::gone: return "gone";
    case TlsResult::given_up: return "given_up";
    case TlsResult::failed: return "failed";
  }
  return "failed";
}

TlsServer::TlsServer(std::shared_ptr<const TlsContext> context, Metrics& metrics, Report report)
    : context_(std::move(context)),
      report_(std::move(report)) {
  for (std::size_t i = 0; i < kTlsResults; ++i)
    results_[i] = &metrics.counter("foyer_tls_handshakes_total", "TLS handshakes, by result.",
        {{"result", std::string(to_string(static_cast<TlsResult>(i)))}});
}

TlsServer::~TlsServer() = default;

AcceptFunction TlsServer::secured(EventLoop& loop, AcceptFunction accept) {
  TlsScratch& scratch = *scratch_.emplace_back(std::make_unique<TlsScratch>());
  return [this, &loop, &scratch, accept = std::move(accept)](Loop&, Transport& socket) -> TransportHandler* {
    auto& below = static_cast<SocketTransport&>(socket); // the loop's own
    auto made = std::make_unique<TlsTransport>(*this, loop, below, scratch);
    TlsTransport& transport = *made;
    below.keep(std::move(made));
    return transport.begin(accept(loop, transport)) ? &transport : nullptr;
  };
}

void TlsServer::replace(std::shared_ptr<const TlsContext> context) {
  const std::scoped_lock lock(mutex_);
  context_.swap(context); // the former one is released after the lock
}

std::shared_ptr<const TlsContext> TlsServer::context() const {
  const std::scoped_lock lock(mutex_);
  return context_;
}

void TlsServer::failed(TlsResult result, std::string evidence, std::string_view peer) {
  ended(result);
  static_cast<void>(report_({.cause = Cause::TLS_HANDSHAKE_FAILED, .evidence = std::move(evidence)}, peer));
}

std::string TlsServer::plain_answer(std::string_view peer, WallTime now) {
  ended(TlsResult::plain_http);
  const Refusal refusal{
      .cause = Cause::PLAIN_ON_TLS_PORT, .evidence = "the first byte is a letter, as of an HTTP method"};
  const Ref ref = report_(refusal, peer);
  return wire::write_response(wire::problem(refusal, ref, false), false, wire::http_date(now));
}

std::string TlsServer::proxy_answer(std::string_view peer, WallTime now) {
  ended(TlsResult::not_tls);
  const Refusal refusal{
      .cause = Cause::PROXY_PROTOCOL_UNEXPECTED, .evidence = "the first bytes are those of a PROXY header, before TLS"};
  const Ref ref = report_(refusal, peer);
  return wire::write_response(wire::problem(refusal, ref, false), false, wire::http_date(now));
}

} // namespace foyer::io

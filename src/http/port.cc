#include "http/port.h"

#include "http/connection.h"
#include "wire/problem.h"

namespace foyer::http {
namespace {

constexpr Millis kUnreadLinger{100};

} // namespace

PortMetrics::PortMetrics(Metrics& metrics)
    : silent(metrics.counter(
          "foyer_http_silent_total", "Connections closed after header_timeout because no request was ever received.")),
      idle(metrics.counter("foyer_http_idle_total",
          "HTTP connections closed after keep_alive_timeout because no further request was received.")) {}

// The handler of a socket that is refused without reading.
struct Port::Unread final : io::TransportHandler {
  void on_bytes(std::span<char>) override {}
  void on_eof() override {}
  void on_drained() override {}
  void on_closed() override {}
};

Port::Port(io::Loop& loop, const Policy& policy, const Deps& deps, UpgradeHandler* upgrades,
    std::atomic<bool>& untrusted_proxy_reported)
    : loop_(loop),
      policy_(policy),
      deps_(deps),
      upgrades_(upgrades),
      untrusted_proxy_reported_(untrusted_proxy_reported),
      metrics_(deps.metrics),
      unread_(std::make_unique<Unread>()),
      drain_(loop, connections_, &Connection::shut_down) {}

Port::~Port() { *alive_ = false; }

io::TransportHandler* Port::accept(io::Transport& transport) {
  if (IdleLink* longest = deps_.limits.full() ? idle_.first() : nullptr) longest->give_way();
  Arrival arrival = arrive(policy_, deps_, transport.peer_address(), loop_.now());
  if (!arrival.has_place()) return turn_away(transport, *arrival.full);
  return &add(transport, std::move(arrival));
}

Connection& Port::add(io::Transport& transport, Arrival arrival) {
  return connections_.add(
      [&](io::SlotId id) { return std::make_unique<Connection>(*this, transport, id, std::move(arrival)); });
}

void Port::remove(Connection& connection) {
  connections_.remove(connection.id().slot).reset();
  drain_.removed();
}

void Port::answer_last(io::Transport& transport, LastAnswer answer) {
  Connection& connection =
      add(transport, {.socket = std::move(answer.socket), .handshake = {}, .address = {}, .full = {}});
  transport.set_handler(&connection);
  connection.answer_last(std::move(answer));
}

// Refuses without reading: answers the request that most clients have sent by now, with one system call and no
// allocation. Not over TLS, whose handshake would cost too much.
io::TransportHandler* Port::turn_away(io::Transport& transport, const Refusal& refusal) {
  const Ref ref{deps_.entropy.short_id()};
  deps_.reporter.report(ref, refusal, transport.peer_address());
  if (transport.secure()) {
    transport.abort();
    return unread_.get();
  }
  Response response = wire::problem(refusal, ref, deps_.router.door().reveal);
  response.headers.add("X-Foyer", deps_.router.mark(ref));
  transport.send_copy(wire::write_response(response, false, wire::http_date(loop_.wall()), false));
  transport.close_gracefully(kUnreadLinger); // the request may still arrive and must not reset the answer
  return unread_.get();
}

void Port::report_untrusted_proxy(std::string_view peer) {
  if (untrusted_proxy_reported_.exchange(true)) return;
  const CauseInfo& cause = info(Cause::PROXY_NOT_TRUSTED);
  deps_.log.warning(
      "proxy_not_trusted", cause.operator_text, {{"code", cause.code}, {"address", peer}, {"next", cause.next}});
}

void Port::report_other_header(std::string_view header) {
  if (std::exchange(other_header_reported_, true)) return;
  deps_.log.warning("proxy_header_other",
      "A trusted proxy sends another forwarding header than the one in proxy_header, so limits and logs show the "
      "proxy's "
      "address. If the proxy sets this header itself, configure it as proxy_header.",
      {{"header", header}, {"proxy_header", policy_.trusted_proxies.header}});
}

// The end

void Port::drain(std::move_only_function<void()> done) {
  drain_.start(policy_.drain_timeout * 2 / 3, std::move(done)); // leaves time for those that connect in the meantime
  connections_.each([](Connection& connection) { connection.shut_down(); });
}

void Port::when_empty(std::move_only_function<void()> done) { drain_.finish(std::move(done)); }

} // namespace foyer::http

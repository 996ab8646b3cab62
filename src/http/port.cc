#include "http/port.h"

#include <algorithm>

#include "http/connection.h"
#include "wire/problem.h"

namespace foyer::http {
namespace {

constexpr Millis kDrainStep{50};
constexpr Millis kUnreadLinger{100};

} // namespace

PortMetrics::PortMetrics(Metrics& metrics)
    : silent(metrics.counter("foyer_http_silent_total",
          "Connections closed after header_timeout because nothing was ever asked on them.")),
      idle(metrics.counter("foyer_http_idle_total",
          "HTTP connections closed after keep_alive_timeout because nothing more was asked on them.")) {}

// Of a socket that was answered unread.
struct Port::Unread final : io::TransportHandler {
  void on_bytes(std::span<char>) override {}
  void on_eof() override {}
  void on_drained() override {}
  void on_closed() override {}
};

class Port::DrainTimer final : public io::Timer {
 public:
  explicit DrainTimer(Port& port) : port_(port) {}
  void on_timer() override { port_.drain_some(); }

 private:
  Port& port_;
};

Port::Port(io::Loop& loop, const Policy& policy, const Deps& deps, UpgradeHandler* upgrades,
    std::atomic<bool>& untrusted_proxy_told)
    : loop_(loop),
      policy_(policy),
      deps_(deps),
      upgrades_(upgrades),
      untrusted_proxy_told_(untrusted_proxy_told),
      metrics_(deps.metrics),
      unread_(std::make_unique<Unread>()),
      drain_timer_(std::make_unique<DrainTimer>(*this)) {}

Port::~Port() { *alive_ = false; }

io::TransportHandler* Port::accept(io::Transport& transport) {
  if (IdleLink* longest = deps_.limits.full() ? idle_.first() : nullptr) longest->give_way();
  Arrival arrival = arrive(policy_, deps_, transport.peer_address(), loop_.now());
  if (!arrival.has_place()) return turn_away(transport, *arrival.full);
  return &add(transport, std::move(arrival));
}

Connection& Port::add(io::Transport& transport, Arrival arrival) {
  std::uint32_t slot = 0;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  Slot& place = slots_[slot];
  const std::uint64_t id = std::uint64_t{++place.generation} << 32 | slot;
  place.connection = std::make_unique<Connection>(*this, transport, id, std::move(arrival));
  ++open_;
  return *place.connection;
}

Connection* Port::find(std::uint64_t id) {
  const auto slot = static_cast<std::uint32_t>(id);
  if (slot >= slots_.size() || slots_[slot].generation != id >> 32) return nullptr;
  return slots_[slot].connection.get();
}

void Port::remove(Connection& connection) {
  const auto slot = static_cast<std::uint32_t>(connection.id());
  slots_[slot].connection.reset();
  free_.push_back(slot);
  --open_;
  if (draining_ && open_ == 0 && drained_) std::exchange(drained_, nullptr)();
}

void Port::answer_last(io::Transport& transport, LastAnswer answer) {
  Connection& connection =
      add(transport, {.socket = std::move(answer.socket), .handshake = {}, .address = {}, .full = {}});
  transport.set_handler(&connection);
  connection.answer_last(std::move(answer));
}

// An answer to the request that most have sent by now, for one system call and no memory.
// There is none in TLS: a handshake costs more than is left.
io::TransportHandler* Port::turn_away(io::Transport& transport, const Refusal& refusal) {
  const Ref ref{deps_.entropy.short_id()};
  deps_.reporter.report(ref, refusal, transport.peer_address());
  if (transport.secure()) {
    transport.abort();
    return unread_.get();
  }
  Response response = wire::problem(refusal, ref, policy_.reveal);
  response.headers.add("X-Foyer", deps_.router.mark(ref));
  transport.send_copy(wire::write_response(response, false, wire::http_date(loop_.wall()), false));
  transport.close_gracefully(kUnreadLinger); // its request, which may be on its way, must not reset the answer
  return unread_.get();
}

void Port::report_untrusted_proxy(std::string_view peer) {
  if (untrusted_proxy_told_.exchange(true)) return;
  const CauseInfo& cause = info(Cause::PROXY_NOT_TRUSTED);
  deps_.log.warning(
      "proxy_not_trusted", cause.operator_text, {{"code", cause.code}, {"address", peer}, {"next", cause.next}});
}

void Port::report_other_header(std::string_view header) {
  if (std::exchange(other_header_told_, true)) return;
  deps_.log.warning("proxy_header_other",
      "A trusted proxy sends another forwarding header than proxy_header says, so limits and logs see the proxy. If "
      "the proxy sets it, name it in proxy_header.",
      {{"header", header}, {"proxy_header", policy_.trusted_proxies.header}});
}

// The end

void Port::drain(std::move_only_function<void()> done) {
  draining_ = true;
  if (open_ == 0) return done();
  drained_ = std::move(done);
  for (auto& slot : slots_)
    if (slot.connection) slot.connection->shut_down();
  // Those that come meanwhile are spread as the gateway's are.
  const auto steps = std::max<std::int64_t>(1, policy_.drain_timeout * 2 / 3 / kDrainStep);
  drain_batch_ = slots_.size() / static_cast<std::size_t>(steps) + 1;
  drain_cursor_ = 0;
  loop_.arm(*drain_timer_, kDrainStep);
}

void Port::when_empty(std::move_only_function<void()> done) {
  if (open_ == 0) return done();
  drained_ = std::move(done);
  drain_batch_ = slots_.size();
  loop_.arm(*drain_timer_, kDrainStep);
}

void Port::drain_some() {
  for (std::size_t n = 0; n < drain_batch_ && drain_cursor_ < slots_.size(); ++drain_cursor_) {
    Connection* connection = slots_[drain_cursor_].connection.get();
    if (connection == nullptr) continue;
    ++n;
    connection->shut_down();
  }
  if (drain_cursor_ >= slots_.size()) drain_cursor_ = 0; // those that came meanwhile
  if (open_ > 0) loop_.arm(*drain_timer_, kDrainStep);
}

} // namespace foyer::http

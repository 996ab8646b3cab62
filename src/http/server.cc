#include "http/server.h"

namespace foyer::http {
namespace {

constexpr Millis kPulse{1'000};
constexpr Millis kStuck{5'000};

std::int64_t milliseconds(MonoTime t) { return std::chrono::duration_cast<Millis>(t.time_since_epoch()).count(); }

} // namespace

// Records when a loop last finished a turn.
class Server::Pulse final : public io::Timer {
 public:
  Pulse(io::Loop& loop, MonoTime now) : last_turn_ms(milliseconds(now)), loop_(loop) {
    loop_.post([this] { loop_.arm(*this, kPulse); });
  }
  void on_timer() override {
    last_turn_ms.store(milliseconds(loop_.now()), std::memory_order_relaxed);
    loop_.arm(*this, kPulse);
  }
  std::atomic<std::int64_t> last_turn_ms;

 private:
  io::Loop& loop_;
};

Server::Server(
    const std::vector<io::Loop*>& loops, const std::vector<UpgradeHandler*>& upgrades, Policy policy, Deps deps)
    : policy_(std::move(policy)),
      deps_(std::move(deps)),
      loops_(loops) {
  for (std::size_t i = 0; i < loops.size(); ++i) {
    UpgradeHandler* handler = upgrades.empty() ? nullptr : upgrades[i];
    ports_.push_back(std::make_unique<Port>(*loops[i], policy_, deps_, handler, untrusted_proxy_reported_));
    pulses_.push_back(std::make_unique<Pulse>(*loops[i], deps_.clock.mono()));
  }
}

Server::~Server() = default;

io::AcceptFunction Server::accept_function(std::uint8_t loop) {
  return [port = ports_[loop].get()](
             io::Loop&, io::Transport& transport) -> io::TransportHandler* { return port->accept(transport); };
}

void Server::drain(std::function<void()> done) {
  if (draining_.exchange(true)) return;
  on_all(&Port::drain, done);
}

void Server::when_empty(std::function<void()> done) { on_all(&Port::when_empty, done); }

void Server::on_all(void (Port::*step)(std::move_only_function<void()>), const std::function<void()>& done) {
  const auto left = std::make_shared<std::atomic<std::size_t>>(ports_.size());
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    loops_[i]->post([port = ports_[i].get(), step, left, done] {
      (port->*step)([left, done] {
        if (left->fetch_sub(1) == 1) done();
      });
    });
  }
}

bool Server::loops_turn() const {
  const auto now = milliseconds(deps_.clock.mono());
  for (const auto& pulse : pulses_)
    if (now - pulse->last_turn_ms.load(std::memory_order_relaxed) > kStuck.count()) return false;
  return true;
}

} // namespace foyer::http

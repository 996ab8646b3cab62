#include "engine/sql/signal_bus.h"

#include <algorithm>
#include <utility>

#include "engine/control_bytes.h"

namespace foyer::engine {

SignalBus::SignalBus(std::shared_ptr<Signals> signals, Executor& executor, const Clock& clock)
    : signals_(std::move(signals)),
      executor_(executor),
      clock_(clock),
      local_(signals_->node()) {
  signals_->receive(SignalKind::control, {.received = [this](std::string_view bytes) {
    arrived(bytes);
  }, .lost = [this] { local_.send(RevocationsChanged{}, {}); }});
  timer_ = executor_.every(kSignalCanary, [this] { sing(); });
}

SignalBus::~SignalBus() {
  executor_.cancel(timer_);
  signals_->receive(SignalKind::control, {});
}

bool SignalBus::send(ControlMessage message, Route route) {
  if (!route.to || *route.to != node()) {
    if (route.to && !is_heard(*route.to)) return false;
    signals_->send(SignalKind::control, route.to, to_bytes(message));
    if (route.to) return true;
  }
  return local_.send(std::move(message), std::move(route));
}

void SignalBus::sing() { signals_->send(SignalKind::canary, {}, {}); }

void SignalBus::arrived(std::string_view bytes) {
  if (auto message = read_control(bytes))
    local_.send(*std::move(message), {});
  else
    signals_->note_unreadable();
}

bool SignalBus::is_heard(const NodeId& node) const {
  const auto nodes = heard();
  return std::ranges::find(nodes, node) != nodes.end();
}

std::vector<NodeId> SignalBus::heard() const {
  const MonoTime now = clock_.mono();
  std::vector<NodeId> out;
  for (const auto& [node, number, at] : signals_->heard())
    if (now - at <= kSignalSilence) out.push_back(node);
  return out;
}

} // namespace foyer::engine

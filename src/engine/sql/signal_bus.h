// The control bus between nodes with PostgreSQL alone (signals.h). Listeners of this process get a message at once, as
// in LocalControlBus; other nodes get its bytes (engine/control_bytes.h).
//
// Messages may be lost. Those about rights are hints, and after a known loss the listeners here are told that
// revocations may have changed, so that they are read. Each node sends a canary every second, so nodes know each other.
#pragma once

#include <memory>
#include <vector>

#include "base/executor.h"
#include "engine/control_bus.h"
#include "engine/local/control_bus.h"
#include "engine/sql/signals.h"

namespace foyer::engine {

inline constexpr Millis kSignalCanary{1'000};
inline constexpr Millis kSignalSilence{10'000}; // a node that was not heard for that long is not known any more

class SignalBus final : public ControlBus {
 public:
  // The node is that of `signals`. The others outlive this, and it is destroyed on the executor's thread, or after that
  // has stopped.
  SignalBus(std::shared_ptr<Signals> signals, Executor& executor, const Clock& clock);
  ~SignalBus() override;

  [[nodiscard]] const NodeId& node() const override { return local_.node(); }
  bool send(ControlMessage message, Route route) override;
  void listen(std::shared_ptr<ControlListener> listener) override { local_.listen(std::move(listener)); }

  [[nodiscard]] std::vector<NodeId> heard() const; // other nodes that were heard lately
  void sing();                                     // a canary now

 private:
  void arrived(std::string_view bytes);
  [[nodiscard]] bool is_heard(const NodeId& node) const;

  const std::shared_ptr<Signals> signals_;
  Executor& executor_;
  const Clock& clock_;
  LocalControlBus local_;
  TimerId timer_ = 0;
};

} // namespace foyer::engine

// The control bus of a single-node installation: every message goes to this node.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/control_bus.h"

namespace foyer::engine {

class LocalControlBus final : public ControlBus {
 public:
  explicit LocalControlBus(NodeId node) : node_(std::move(node)) {}

  [[nodiscard]] const NodeId& node() const override { return node_; }
  bool send(ControlMessage message, Route route) override;
  void listen(std::shared_ptr<ControlListener> listener) override;

 private:
  const NodeId node_;
  std::mutex mutex_; // not held while a listener is called, which may call back
  std::vector<std::weak_ptr<ControlListener>> listeners_;
};

} // namespace foyer::engine

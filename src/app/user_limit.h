// The limit of a user's connections over all nodes: sends what this node has to report (admission/users_elsewhere.h)
// over the control bus, and hears what the others report.
#pragma once

#include <functional>
#include <memory>

#include "admission/limits.h"
#include "admission/users_elsewhere.h"
#include "base/clock.h"
#include "base/executor.h"
#include "engine/control_bus.h"

namespace foyer::app {

class UserLimit final : public engine::ControlListener, public std::enable_shared_from_this<UserLimit> {
 public:
  struct Options {
    std::uint32_t limit = 0;
    Millis tick{1'000};
    std::function<std::size_t()> nodes; // that live, this one among them; on the executor
  };
  // The references outlive this, and `own` has no connections once this has ended.
  UserLimit(
      Options options, admission::UserConnections& own, engine::ControlBus& bus, Executor& control, const Clock& clock);

  // Once, before the first connection.
  void start();

  void post(std::shared_ptr<const engine::ControlMessage> message) override;
  void received(const engine::ControlMessage& message) override;

 private:
  void later(void (UserLimit::*task)());
  void send();
  void tick();

  const Options options_;
  admission::UserConnections& own_;
  engine::ControlBus& bus_;
  Executor& control_;
  admission::UsersElsewhere elsewhere_;
};

} // namespace foyer::app

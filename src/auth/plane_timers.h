// Timers of a control plane. after() and cancel() from any thread; tasks run on the plane's.
#pragma once

#include "auth/transport.h"

namespace foyer::auth {

class PlaneTimers final : public Timers {
 public:
  explicit PlaneTimers(exec::ControlPlane& plane) : plane_(plane) {}
  exec::TimerId after(Millis delay, exec::Task task) override { return plane_.after(delay, std::move(task)); }
  void cancel(exec::TimerId id) override { plane_.cancel(id); }

 private:
  exec::ControlPlane& plane_;
};

} // namespace foyer::auth

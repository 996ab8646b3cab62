// Timers of a control plane. after() and cancel() from any thread; tasks run on the plane's.
#pragma once

#include "auth/transport.h"

namespace foyer::auth {

class PlaneTimers final : public Timers {
 public:
  explicit PlaneTimers(net::ControlPlane& plane) : plane_(plane) {}
  net::TimerId after(Millis delay, net::Task task) override { return plane_.after(delay, std::move(task)); }
  void cancel(net::TimerId id) override { plane_.cancel(id); }

 private:
  net::ControlPlane& plane_;
};

} // namespace foyer::auth

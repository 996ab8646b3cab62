// The control plane's thread: everything that may wait but must not block a
// loop (timers, connections to other servers, answers of handlers) runs here, one task
// at a time. Blocking work goes to a WorkQueue.
//
//   ControlPlane plane("control");
//   plane.post([] { … });                       // from any thread, in order
//   auto id = plane.after(Millis{500}, [] { … });
//   plane.stop();                               // the running task ends; the rest is dropped
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/executor.h"

namespace boost::asio {
class io_context;
}

namespace foyer::exec {

class ControlPlane final : public Executor {
 public:
  explicit ControlPlane(std::string_view name = "control"); // the thread's name, truncated to 15 bytes
  ~ControlPlane() override;                                 // stops and joins
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  // From any thread. After stop() tasks are destroyed without being run.
  void post(Task task) override;
  TimerId after(Millis delay, Task task) override;
  void cancel(TimerId id) override;
  // Runs `task` every `interval` until stop() or cancel().
  TimerId every(Millis interval, Task task) override;
  void stop(); // joins; not from the plane's own thread

  // For owners of Asio objects (they include Asio in a .cc).
  [[nodiscard]] boost::asio::io_context& context();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

} // namespace foyer::exec

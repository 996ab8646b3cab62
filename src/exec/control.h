// The control plane's thread: everything that may wait but must not block a
// loop (timers, links to other servers, answers of handlers) runs here, one task
// at a time. What blocks goes to a WorkQueue.
//
//   ControlPlane plane("control");
//   plane.post([] { … });                       // from any thread, in order
//   auto id = plane.after(Millis{500}, [] { … });
//   plane.stop();                               // what is running ends; the rest is dropped
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "exec/fair_queue.h"

namespace boost::asio {
class io_context;
}

namespace foyer::exec {

using TimerId = std::uint64_t; // never 0

class ControlPlane {
 public:
  explicit ControlPlane(std::string_view name = "control"); // the thread's name, cut at 15 bytes
  ~ControlPlane();                                          // stops and joins
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  // From any thread. After stop() tasks are destroyed without being run.
  void post(Task task);
  TimerId after(Millis delay, Task task);
  void cancel(TimerId id); // nothing happens if it fired already
  // Runs `task` every `interval` until stop() or cancel(); the first time after one interval.
  TimerId every(Millis interval, Task task);
  void stop(); // joins; not from the plane's own thread

  // For those who bring Asio objects of their own (they include Asio in a .cc).
  [[nodiscard]] boost::asio::io_context& context();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

} // namespace foyer::exec

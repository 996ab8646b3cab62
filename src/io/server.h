// The loops of a process: one thread each, all accepting from the same listener.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "io/event_loop.h"
#include "io/listener.h"

namespace foyer::io {

// Called from one thread, which owns the group. Between construction and start()
// the loops belong to the caller, who creates shards and adds listeners.
class LoopGroup {
 public:
  // Makes an accept function for each loop, which then owns it.
  using AcceptMaker = std::function<AcceptFunction(EventLoop&)>;

  LoopGroup(std::size_t count, const Clock& clock, Log& log); // 1 to 255 loops
  ~LoopGroup();                                               // stop() and join()

  [[nodiscard]] std::size_t size() const { return loops_.size(); }
  [[nodiscard]] EventLoop& loop(std::size_t index) { return *loops_[index]; }

  void listen(const std::shared_ptr<Listener>& listener, const AcceptMaker& make); // before start()
  // Gauges foyer_loop_… with the label `loop`. The metrics' text must not be read
  // after the group is gone.
  void report_to(Metrics& metrics) const;
  void start();
  // Accepts what still waits in the queues, closes the listening sockets, then
  // calls `done` on one of the loops. Connections stay.
  void stop_listening(std::move_only_function<void()> done);
  void stop(); // all connections are closed
  void join();

 private:
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::vector<std::thread> threads_;
};

} // namespace foyer::io

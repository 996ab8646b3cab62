// A line to one server that is kept open: connects, logs in, and after an end connects again, with back-off. Bytes go
// out and replies come in; what they mean belongs to Connection and Subscriber.
//
// All calls and events on the plane's thread. Each line has a plane of its own, whose thread does nothing but read and
// write this line: a server disconnects those who do not read.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "exec/control.h"
#include "redis/failure.h"
#include "redis/policy.h"
#include "redis/reply.h"

namespace foyer::redis {

class Line {
 public:
  struct Events {
    std::function<void()> opened; // logged in; replies are those to what is written from now on
    std::function<void(Reply)> reply;
    // An attempt failed, or the open line ended. The next attempt is under way.
    std::function<void(const Failure&)> lost;
  };

  Line(exec::ControlPlane& plane, Server server, Policy policy, Entropy& entropy, Events events);
  ~Line(); // on the plane's thread, or when it has stopped; no event follows
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  void start();
  void write(std::string bytes); // in order; dropped while it is not open
  void fail(Failure failure);    // ends what is open: `lost`, and the next attempt
  [[nodiscard]] bool open() const;
  [[nodiscard]] std::uint64_t received() const; // bytes, ever: whether anything came

 private:
  struct State;
  std::shared_ptr<State> state_;
};

} // namespace foyer::redis

// One loop's share of a listening socket: accepts in bounded batches, counts and reports
// connections that the poller had to turn away, and pauses for a moment when not even
// that is possible.
#pragma once

#include <cstdint>
#include <memory>

#include "io/poll/poller.h"
#include "io/transport.h"

namespace foyer::io {

class EventLoop;

class Acceptor final : private Timer {
 public:
  // `owner` keeps the socket open.
  Acceptor(EventLoop& loop, Handle listener, std::shared_ptr<const void> owner, AcceptFunction accept, Tag tag);
  ~Acceptor() override;

  void on_ready();
  void finish(); // accept everything in the queue, then let_go()
  void let_go(); // stop watching the listener

 private:
  static constexpr int kPerTurn = 16;
  static constexpr Millis kRest{100};
  static constexpr Millis kLogPause{10'000};

  bool accept_one(); // false: the queue is empty, or nothing can be accepted now
  void report(int error);
  void rest();
  void on_timer() override;

  EventLoop& loop_;
  Handle listener_;
  std::shared_ptr<const void> owner_; // null after let_go
  AcceptFunction accept_;
  Tag tag_;
  // How many a turn accepts. To find the queue empty costs nearly as much as to accept, and the listener is reported
  // again in the next turn if it is not: so as many as the last time, and twice as many if that left some.
  int expected_ = 1;
  std::uint64_t next_turn_ = 0; // after the last one in which the listener was ready
  std::uint64_t shed_unreported_ = 0;
  MonoTime report_after_{};
};

} // namespace foyer::io

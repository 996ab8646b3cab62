// One loop's share of a listener: accepts in bounded batches, and stands through
// the want of file descriptors.
//
// Without a descriptor accept() fails and the connection stays in the queue: the
// client hangs and the loop spins. So a descriptor is held in reserve; it is given
// up to accept and close one connection at once, which the client notices. When
// even that fails the acceptor rests for a moment.
#pragma once

#include <cstdint>
#include <memory>

#include "io/listener.h"
#include "io/transport.h"

namespace foyer::io {

class EpollLoop;

class Acceptor final : private Timer {
 public:
  Acceptor(EpollLoop& loop, std::shared_ptr<Listener> listener, AcceptFunction accept, std::uint64_t tag);
  ~Acceptor() override;

  void on_ready();
  void finish(); // accept all that wait, then let_go()
  void let_go(); // leave the listener

 private:
  static constexpr int kPerTurn = 16;
  static constexpr Millis kRest{100};
  static constexpr Millis kLogPause{10'000};

  bool accept_one(); // false: nothing waits, or nothing can be accepted now
  bool shed_one();
  void report(int error);
  void watch();
  void rest();
  void on_timer() override;

  EpollLoop& loop_;
  std::shared_ptr<Listener> listener_; // null after let_go
  AcceptFunction accept_;
  std::uint64_t tag_;
  int reserve_;
  std::uint64_t shed_unreported_ = 0;
  MonoTime report_after_{};
};

} // namespace foyer::io

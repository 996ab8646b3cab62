// The data plane's event loop on epoll, edge-triggered, one thread.
//
// A turn: wait → posts → sockets → timers → one send per connection that has
// something to send → on_closed of those that closed → after_turn tasks. What the
// last two send leaves in the next turn, which then begins without waiting.
//
// One read buffer serves all connections. An event that the kernel collected for
// a socket that was closed since carries an old generation and is ignored, so a
// new socket with the same number never sees it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "io/cpu_budget.h"
#include "io/epoll_transport.h"
#include "io/listener.h"
#include "io/mailbox.h"
#include "io/send_queue.h"
#include "io/stats.h"
#include "io/timer_wheel.h"
#include "io/transport.h"

namespace foyer::io {

class Acceptor;

class EpollLoop final : public Loop {
 public:
  static constexpr std::size_t kReadBuffer =
      32 * 1024; // a connection is read so much per turn, then the others have theirs

  EpollLoop(std::uint8_t index, const Clock& clock, Log& log);
  ~EpollLoop() override;
  EpollLoop(const EpollLoop&) = delete;
  EpollLoop& operator=(const EpollLoop&) = delete;

  // Turns until stop(); then every connection is closed and gets its on_closed.
  void run();
  void stop(); // from any thread
  // One turn that waits at most `wait` for something to do.
  void turn(std::optional<Millis> wait = std::nullopt);

  // On this loop's thread, or before run(). Several listeners may be given.
  void listen(std::shared_ptr<Listener> listener, AcceptFunction accept);
  // On this loop's thread: takes in what still waits in all listeners' queues, then
  // lets go of them. A listener that no loop holds any more is closed.
  void stop_listening();
  // Takes over a connected socket; it is made non-blocking. On this loop's thread.
  // Null if the accept function refused it or the system did.
  Transport* adopt(int fd, std::string peer, const AcceptFunction& accept);

  [[nodiscard]] std::uint8_t index() const override { return index_; }
  [[nodiscard]] MonoTime now() const override { return now_; }
  [[nodiscard]] WallTime wall() const override { return wall_; }
  void arm(Timer& timer, Millis after) override { wheel_.arm(timer, after); }
  void disarm(Timer& timer) override { wheel_.disarm(timer); }
  void post(std::move_only_function<void()> task) override;
  void after_turn(std::move_only_function<void()> task) override;
  [[nodiscard]] CpuBudget& costly() override { return costly_; }

  [[nodiscard]] const LoopStats& stats() const { return stats_; }

 private:
  friend class EpollTransport;
  friend class TlsTransport;
  friend class Acceptor;
  struct Slot {
    std::unique_ptr<EpollTransport> transport;
    std::uint32_t generation = 0;
    std::uint32_t next_free = 0;
  };

  void wait(std::optional<Millis> limit);
  void handle(std::uint64_t tag, std::uint32_t events);
  void read_postponed();
  void read_later(const EpollTransport& transport);
  void end_turn();
  void close_all();
  [[nodiscard]] bool has_work() const;
  [[nodiscard]] std::uint32_t take_slot();
  Transport* start(int fd, std::string peer, const AcceptFunction& accept); // fd is non-blocking
  void watch(EpollTransport& transport, bool writable);
  static int error_of(int fd);

  std::uint8_t index_;
  const Clock& clock_;
  Log& log_;
  int epoll_ = -1;
  int wake_ = -1;
  std::atomic<bool> stopping_{false};
  MonoTime now_;
  WallTime wall_;
  LoopStats stats_;
  TimerWheel wheel_;
  int full_turns_ = 0;       // since timers were looked at; more events may have waited in each
  bool timers_late_ = false; // more were due than one turn fires
  Mailbox mailbox_;
  std::unique_ptr<char[]> read_buffer_;
  BatchQueue queue_;
  std::vector<Slot> slots_;
  std::uint32_t free_slot_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::vector<EpollTransport*> dirty_;
  std::vector<EpollTransport*> flushing_;
  std::vector<Layer*> dirty_layers_;
  std::vector<Layer*> flushing_layers_;
  std::deque<std::uint64_t> read_later_; // tags of connections that had more than their share
  std::vector<EpollTransport*> closed_;
  std::vector<std::unique_ptr<EpollTransport>> graveyard_; // until nothing of the turn can point to them
  std::vector<std::move_only_function<void()>> tasks_;
  std::vector<std::move_only_function<void()>> running_tasks_;
  CpuBudget costly_{*this, clock_, stats_.postponed};
};

} // namespace foyer::io

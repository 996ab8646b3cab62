// The data plane's event loop, one thread. It keeps the order of a turn; events and bytes come from a
// Poller (io/poll): the kernel, or the memory of a test.
//
// A turn: wait → posts → sockets → what was posted meanwhile → timers → one send per connection that
// has something to send → on_closed of those that closed → after_turn tasks. Bytes sent by the
// last two leave in the next turn, which then starts without waiting.
//
// An event that was collected before its socket closed carries an old
// generation and is ignored, so a new socket in the same slot never sees it.
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
#include "io/listener.h"
#include "io/mailbox.h"
#include "io/poll/poller.h"
#include "io/send_queue.h"
#include "io/slot_table.h"
#include "io/socket_transport.h"
#include "io/stats.h"
#include "io/timer_wheel.h"
#include "io/transport.h"

namespace foyer::io {

class Acceptor;

class EventLoop final : public Loop {
 public:
  // The most that is read from one connection per turn, before the others have theirs.
  static constexpr std::size_t kReadShare = Poller::kMostRead;

  EventLoop(std::uint8_t index, const Clock& clock, Log& log, std::unique_ptr<Poller> poller);
  ~EventLoop() override;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Turns until stop(); then every connection is closed and gets its on_closed.
  void run();
  void stop(); // from any thread
  // One turn that waits at most `wait` for something to do.
  void turn(std::optional<Millis> wait = std::nullopt);
  // The next turn has something to do, whatever the poller reports. For owners that turn loops by hand.
  [[nodiscard]] bool has_work() const;

  // On this loop's thread, or before run(). Several listeners may be given.
  void listen(const std::shared_ptr<Listener>& listener, AcceptFunction accept);
  // The same for a listening socket without a Listener; `owner` keeps it open.
  void listen(Handle listener, std::shared_ptr<const void> owner, AcceptFunction accept);
  // On this loop's thread: accepts what still waits in all listeners' queues, then
  // releases them. A listener that no loop holds any more is closed.
  void stop_listening();
  // Takes over a connected socket of the poller's. On this loop's thread.
  // Null if the accept function refused it or the system did.
  Transport* adopt(Handle socket, std::string peer, const AcceptFunction& accept);

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
  friend class SocketTransport;
  friend class TlsTransport;
  friend class Acceptor;
  void wait(std::optional<Millis> limit);
  void handle(const Event& event);
  void read_postponed();
  void read_later(const SocketTransport& transport);
  void end_turn();
  void give_back_memory();
  void close_all();
  [[nodiscard]] bool has_left_over() const; // this turn left something for the next one
  [[nodiscard]] Tag tag_of(const SocketTransport& transport) const;

  std::uint8_t index_;
  const Clock& clock_;
  Log& log_;
  std::unique_ptr<Poller> poller_; // outlives the transports
  std::atomic<bool> stopping_{false};
  MonoTime now_;
  WallTime wall_;
  LoopStats stats_;
  TimerWheel wheel_;
  int full_turns_ = 0;       // since timers last ran; more events may have waited in each
  bool timers_late_ = false; // more were due than one turn fires
  Mailbox mailbox_;
  BatchQueue queue_;
  MonoTime large_at_{}; // the last turn with much to send; zero: its memory was given back
  SlotTable<SocketTransport> transports_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::vector<SocketTransport*> dirty_;
  std::vector<SocketTransport*> flushing_;
  std::vector<Layer*> dirty_layers_;
  std::vector<Layer*> flushing_layers_;
  std::deque<Tag> read_later_; // tags of connections that used up their share
  std::vector<SocketTransport*> closed_;
  std::vector<std::unique_ptr<SocketTransport>> graveyard_; // until nothing in the turn can point to them
  std::vector<std::move_only_function<void()>> tasks_;
  std::vector<std::move_only_function<void()>> running_tasks_;
  CpuBudget costly_{*this, clock_, stats_.postponed};
};

} // namespace foyer::io

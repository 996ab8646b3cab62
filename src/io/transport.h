// The narrow waist of the data plane: what a connection needs from its socket,
// and what a gateway shard needs from its loop. Nothing above knows whether the bytes
// go through the kernel or through the memory of a test (io/poll).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"

namespace foyer::io {

class CpuBudget;
class TransportHandler;

// One accepted socket. Lives and dies on its loop.
class Transport {
 public:
  virtual ~Transport() = default;
  // Queues bytes; nothing is written before the end of the turn. The bytes of one call
  // are one unit for drop_queue: pass whole frames. Ignored after a close.
  virtual void send(const SharedBytes& bytes) = 0;
  virtual void send_copy(std::string_view bytes) = 0;
  // send() if at most `limit` bytes are then queued; false: nothing was queued.
  // The one call of a fan-out.
  [[nodiscard]] virtual bool send_within(const SharedBytes& bytes, std::size_t limit) {
    if (queued() + bytes->size() > limit) return false;
    send(bytes);
    return true;
  }
  [[nodiscard]] virtual std::size_t queued() const = 0; // bytes not yet taken by the kernel
  [[nodiscard]] virtual std::size_t unacknowledged() const {
    return 0;
  } // bytes sent that the peer has not acknowledged; asks the kernel
  // Drops everything queued that the kernel has not begun to take (a partly
  // written frame is finished). Returns the bytes dropped.
  virtual std::size_t drop_queue() = 0;
  // After the queue is flushed (abandoned when the peer takes nothing of it for `linger`): shut down writing,
  // read and discard for up to `linger`, then close. on_closed follows, nothing else.
  virtual void close_gracefully(Millis linger) = 0;
  // The same for a peer that has said that it sends nothing more: it is not read from any more, and the socket is
  // closed as soon as the queue is flushed.
  virtual void close_when_sent(Millis patience) { close_gracefully(patience); }
  virtual void abort() = 0; // close now; on_closed follows at the end of the turn
  // For bytes that end with the connection: from now on the peer reads an orderly end only once
  // close_gracefully has sent everything. After any other end, also that of the process, it gets a reset.
  virtual void reset_if_cut() = 0;
  // Another handler receives all calls from now on. The former one may be deleted, also within its own on_bytes.
  virtual void set_handler(TransportHandler* handler) = 0;
  [[nodiscard]] virtual std::string_view peer_address() const = 0; // "127.0.0.1", "::1"
  [[nodiscard]] virtual bool was_reset() const { return false; }   // the connection ended with a TCP error
  [[nodiscard]] virtual std::string_view socket_address() const {
    return peer_address();
  } // the connecting peer: a proxy, where the PROXY protocol gives the client's address
  [[nodiscard]] virtual bool secure() const = 0; // TLS
};

// Receives the events of a socket; set at accept. `bytes` have kPadding readable
// bytes behind them and may be changed in place; unconsumed bytes are lost, so
// the receiver keeps what it needs.
class TransportHandler {
 public:
  virtual ~TransportHandler() = default;
  virtual void on_bytes(std::span<char> bytes) = 0;
  virtual void on_eof() = 0;     // the peer will send no more
  virtual void on_drained() = 0; // the queue became empty after having been full at a flush
  virtual void on_closed() = 0;  // last call; the handler may delete itself
};

// A timer that lies inside its owner and costs nothing when idle. Coarse: fires
// on the first turn at or after its time, resolution 50 ms.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer(); // disarms
  virtual void on_timer() = 0;
  [[nodiscard]] bool armed() const { return next_ != nullptr; }

 private:
  friend class TimerWheel;
  Timer* next_ = nullptr;
  Timer* prev_ = nullptr;
  std::uint64_t due_tick_ = 0;
  class TimerWheel* wheel_ = nullptr;
};

// The thread of control that a gateway shard runs on.
class Loop {
 public:
  virtual ~Loop() = default;
  [[nodiscard]] virtual std::uint8_t index() const = 0;
  [[nodiscard]] virtual MonoTime now() const = 0;   // read once per turn
  [[nodiscard]] virtual WallTime wall() const = 0;  // read once per turn
  virtual void arm(Timer& timer, Millis after) = 0; // re-arms if armed
  virtual void disarm(Timer& timer) = 0;
  // From any thread; runs on the loop after the task or event that is handled now, in order per sender.
  virtual void post(std::move_only_function<void()> task) = 0;
  // Runs once everything that this turn sends has been sent; the next turn then starts without
  // waiting. For work that nothing waits for. On this loop's thread.
  virtual void after_turn(std::move_only_function<void()> task) = 0;
  [[nodiscard]] virtual CpuBudget& costly() = 0; // of this loop, on its thread
};

// Makes a handler for each accepted socket. The transport outlives the handler's on_closed.
using AcceptFunction = std::function<TransportHandler*(Loop&, Transport&)>;

} // namespace foyer::io

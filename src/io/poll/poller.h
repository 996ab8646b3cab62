// What a loop needs from the operating system: which sockets are ready, their bytes, and a way to
// wake it. The loop keeps the order of a turn, its limits and its timers; a poller only wraps the kernel.
//
// The calls are named after readiness (epoll) and also fit completions (io_uring):
//
//   call            readiness                              completions
//   wait            sockets on which a call would succeed  sockets for which something has completed
//   read            receives now, into one buffer          gives the buffer of a completed receive, and submits
//                                                          the next one; the former buffer is returned
//   send            sends now                              takes the bytes into a buffer of its own and submits it;
//                                                          takes none while one is outstanding
//   want_writable   asks the kernel for an event           reports when the outstanding send has completed
//   accept          accepts now                            gives a connection whose accept has completed
//
// So callers may rely on this and no more: `bytes` of read() last until the next call of read() or wait(), the
// bytes given to send() need not outlive the call, and what send() took may still be in flight when close() is called.
//
// An event may be stale: it carries the tag of a connection that was closed after the kernel collected it. Give a new
// connection a new tag and ignore old ones. At most one event for a connection in each wait().
//
// All calls are for the loop's thread, except wake().
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"

namespace foyer::io {

// A socket of the poller that gave it. Not reused before the last event or completion of its former owner is past:
// where the kernel reuses the number at once (epoll), tags distinguish the owners.
enum class Handle : std::uint32_t {};

// The loop's own name for a socket; it comes back in events. Not 0.
using Tag = std::uint64_t;

struct Event {
  Tag tag;
  bool readable; // read() or accept() has a result
  bool writable; // after want_writable(true): send() takes something
  bool ended;    // an end or an error waits behind the bytes: read() until it says so
};

struct Received {
  enum class Outcome : std::uint8_t {
    bytes,
    nothing, // now
    end,     // the peer will send no more
    failed,  // the connection is gone
  };
  Outcome outcome = Outcome::nothing;
  bool more = false;       // more may be available now, and no event will announce it
  std::span<char> bytes{}; // with wire::kPadding readable bytes behind them; may be changed in place
};

struct Accepted {
  enum class Outcome : std::uint8_t {
    connection,
    nothing,     // the queue is empty
    lost,        // this one was gone before it was accepted; others may wait
    turned_away, // closed at once because no descriptor was free; others may wait
    exhausted,   // not even that was possible: no descriptor or memory; they wait
  };
  Outcome outcome = Outcome::nothing;
  Handle handle{};
  std::string address{}; // of the peer, numeric
  int error = 0;         // errno, for turned_away and exhausted
};

class Poller {
 public:
  static constexpr std::size_t kMostRead = 32 * 1024; // bytes of one read()
  static constexpr std::size_t kMostEvents = 128;     // of one wait()

  virtual ~Poller() = default;

  // Waits for at least one event, for `limit` (none: indefinitely) or for wake(). Returns how many of `events`
  // were filled, kMostEvents at most.
  virtual std::size_t wait(std::span<Event> events, std::optional<Millis> limit) = 0;
  // From any thread: the current wait(), or the next one, returns.
  virtual void wake() = 0;

  // Listening sockets. Several pollers share one, so its handle is the descriptor. While one is watched, each wait()
  // reports it as long as its queue is not empty.
  virtual void watch_listener(Handle listener, Tag tag) = 0;
  virtual void unwatch_listener(Handle listener) = 0;
  virtual Accepted accept(Handle listener) = 0;

  // Reports events of this connection from now on. Bytes that no read() took are reported again only with new ones or
  // with the end. False: the system has no room for it; close() it.
  [[nodiscard]] virtual bool watch(Handle socket, Tag tag) = 0;
  virtual void want_writable(Handle socket, Tag tag, bool wanted) = 0;
  virtual Received read(Handle socket) = 0;
  // Returns how many bytes were taken, from the front: less than all of them when the socket is full. None: the
  // connection is gone. One system call. `end_follows`: if all are taken, shut_down() or close() is the next call, so
  // the bytes may wait for it and share a packet with the end.
  virtual std::optional<std::size_t> send(Handle socket, std::span<const iovec> pieces, bool end_follows) = 0;
  virtual void shut_down(Handle socket) = 0;                   // nothing more is sent; the peer reads the end
  virtual void reset_on_close(Handle socket, bool wanted) = 0; // any end is a reset, also that of the process
  [[nodiscard]] virtual bool has_failed(Handle socket) = 0;    // after the peer's end: TCP reported an error since
  [[nodiscard]] virtual std::size_t unacknowledged(Handle socket) = 0; // bytes that the peer has not acknowledged
  // The peer sees the end (or the reset) at once, even while a read is outstanding: with io_uring a receive in
  // flight keeps the file open, so it is cancelled, and the socket shut down, before the descriptor is closed.
  virtual void close(Handle socket) = 0;
};

} // namespace foyer::io

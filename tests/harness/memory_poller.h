// A poller without a kernel: connections are Links in memory, and wait() never waits, since time is the test's. Real
// event loops turn on it, so that what a test sees is the turn that ships.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/poll/poller.h"

namespace foyer::harness {

// The wire between a client and the server's socket.
struct Link {
  std::string to_server;             // written by the client, not yet read by the loop
  std::string to_client;             // taken from the server by the "kernel", not yet read by the client
  std::size_t capacity = 256 * 1024; // of to_client: the stand-in for both socket buffers
  bool client_ended = false;         // the client will send no more
  bool client_gone = false;          // nobody is there to take what the server sends
  bool broken = false;               // reset: the server's next look fails
  bool server_ended = false;         // the server will send no more
  bool server_closed = false;        // its socket is gone
  bool server_reset = false;         // by a reset
  bool silent = false;               // nothing gets through any more, in either direction

  [[nodiscard]] bool has_bytes() const { return !silent && !to_server.empty(); }
  [[nodiscard]] bool has_room() const { return !silent && (client_gone || to_client.size() < capacity); }
};

class MemoryPoller final : public io::Poller {
 public:
  // A new connection's socket; the loop adopts it.
  [[nodiscard]] io::Handle add(std::shared_ptr<Link> link);
  // read() gives no more than that, as if the network had brought no more.
  void set_piece(std::size_t bytes) { piece_ = bytes; }
  [[nodiscard]] bool has_events() const; // wait() would report something
  [[nodiscard]] bool bytes_wait() const; // that a client wrote

  std::size_t wait(std::span<io::Event> events, std::optional<Millis> limit) override;
  void wake() override {} // it never waits

  // Connections come by add().
  void watch_listener(io::Handle, io::Tag) override {}
  void unwatch_listener(io::Handle) override {}
  io::Accepted accept(io::Handle) override { return {}; }

  bool watch(io::Handle socket, io::Tag tag) override;
  void want_writable(io::Handle socket, io::Tag tag, bool wanted) override;
  io::Received read(io::Handle socket) override;
  std::optional<std::size_t> send(io::Handle socket, std::span<const iovec> pieces, bool end_follows) override;
  void shut_down(io::Handle socket) override;
  void reset_on_close(io::Handle socket, bool wanted) override { of(socket).resets = wanted; }
  bool has_failed(io::Handle socket) override;
  std::size_t unacknowledged(io::Handle) override { return 0; }
  void close(io::Handle socket) override;

 private:
  struct Socket {
    std::uint32_t number = 0; // the handle; never given twice
    std::shared_ptr<Link> link;
    io::Tag tag = 0;
    bool wants_writable = false;
    bool resets = false; // when it is closed
    bool end_was_read = false;
    bool failure_was_read = false;
  };
  [[nodiscard]] Socket& of(io::Handle socket);
  [[nodiscard]] io::Event event_of(const Socket& socket) const;

  std::vector<Socket> sockets_; // in the order in which they came
  std::uint32_t next_number_ = 1;
  std::uint32_t continue_at_ = 0; // whose turn is next when one wait() could not report all
  std::size_t piece_ = kMostRead;
  std::unique_ptr<char[]> buffer_; // exactly as long as was promised, so that a sanitizer sees one byte more
};

} // namespace foyer::harness

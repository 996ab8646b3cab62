// The one listening socket that all loops share. It is bound once and without
// address sharing, so that a port in use by another process is detected.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/refusal.h"

namespace foyer::io {

struct ListenAddress {
  std::string host; // "127.0.0.1", "::1" (without brackets), "localhost", "chat.lan"
  std::uint16_t port = 0;
};

class Listener {
 public:
  // Port 0 lets the system pick one; port() says which. A name is resolved once;
  // `localhost` is 127.0.0.1. `::` also takes IPv4. Refuses with
  // LISTEN_ADDRESS_IN_USE or LISTEN_ADDRESS_UNAVAILABLE (not ours, no such host,
  // no right to a low port, no IPv6).
  [[nodiscard]] static Result<std::shared_ptr<Listener>> open(const ListenAddress& address, int backlog = 4096);
  // Whether open() would succeed now. Binds the address for a moment and never listens.
  [[nodiscard]] static Result<void> examine(const ListenAddress& address);
  ~Listener(); // closes the socket: connections in its queue are reset
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Connections that the system has completed and no loop has accepted yet: how many there
  // are, how many there may be (the backlog, limited by net.core.somaxconn), and how many
  // attempts were dropped since the start because the queue was full.
  struct Queue {
    std::uint32_t waiting = 0;
    std::uint32_t limit = 0;
    std::uint32_t dropped = 0;
  };
  [[nodiscard]] Queue queue() const;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] const std::string& host() const { return host_; } // numeric
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  // Bound and not listening yet.
  [[nodiscard]] static std::unexpected<Refusal> failed(const ListenAddress& address, int error);
  [[nodiscard]] static Result<std::shared_ptr<Listener>> bind(const ListenAddress& address);
  Listener(int fd, std::string host, std::uint16_t port) : fd_(fd), host_(std::move(host)), port_(port) {}
  int fd_;
  std::string host_;
  std::uint16_t port_;
};

} // namespace foyer::io

// For the tests of this folder: the other end of a socket, and a handler that
// records its events.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/event_loop.h"

namespace foyer::io::test {

// A plain non-blocking client socket.
class Peer {
 public:
  Peer() = default;
  explicit Peer(int fd) : fd_(fd) {}
  Peer(Peer&& other) noexcept : fd_(std::exchange(other.fd_, -1)), was_reset_(other.was_reset_) {}
  Peer& operator=(Peer&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(was_reset_, other.was_reset_);
    return *this;
  }
  ~Peer() { close(); }

  static Peer unconnected() { return Peer{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}; }
  static Peer to(std::uint16_t port) {
    Peer peer = unconnected();
    peer.connect(port);
    return peer;
  }
  bool connect(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }

  [[nodiscard]] int fd() const { return fd_; }
  void write(std::string_view bytes) const { (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  void end_writing() const { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  // What is available now; *ended says whether the other side ended too.
  std::string read(bool* ended = nullptr, std::size_t at_most = 1 << 24) const {
    std::string all;
    char buffer[65536];
    while (all.size() < at_most) {
      const ssize_t n = ::recv(fd_, buffer, std::min(sizeof buffer, at_most - all.size()), MSG_DONTWAIT);
      if (n == 0 && ended != nullptr) *ended = true;
      if (n < 0 && errno == ECONNRESET) was_reset_ = true;
      if (n <= 0) break;
      all.append(buffer, static_cast<std::size_t>(n));
    }
    return all;
  }
  // Waits for what follows the bytes that were read, and says whether it is a reset.
  [[nodiscard]] bool was_reset() const {
    if (was_reset_) return true;
    pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
    ::poll(&ready, 1, 10'000);
    read(nullptr, 1);
    return was_reset_;
  }
  // Blocks until `count` bytes came or the other side ended.
  std::string read_exactly(std::size_t count) const {
    std::string all;
    bool ended = false;
    while (all.size() < count && !ended) {
      pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
      ::poll(&ready, 1, 10'000);
      const std::string more = read(&ended, count - all.size());
      if (more.empty() && !ended && ready.revents == 0) break;
      all += more;
    }
    return all;
  }

 private:
  int fd_ = -1;
  mutable bool was_reset_ = false; // an error is reported once
};

// Both ends of a connection over TCP: a descriptor for a loop, and its peer.
inline std::pair<int, Peer> tcp_connection() {
  const auto listener = Listener::open({.host = "127.0.0.1", .port = 0});
  Peer peer = Peer::to((*listener)->port());
  pollfd ready{.fd = (*listener)->fd(), .events = POLLIN, .revents = 0};
  ::poll(&ready, 1, 10'000);
  return {::accept4((*listener)->fd(), nullptr, nullptr, SOCK_CLOEXEC), std::move(peer)};
}

// Appends its events to one list for the whole test.
class Recorder : public TransportHandler {
 public:
  Recorder(std::vector<std::string>& story, std::string name) : story_(story), name_(std::move(name)) {}
  void on_bytes(std::span<char> bytes) override {
    received.append(bytes.data(), bytes.size());
    if (quiet) return;
    story_.push_back(name_ + " got " + std::string(bytes.data(), bytes.size()));
    if (act) act();
  }
  void on_eof() override { story_.push_back(name_ + " eof"); }
  void on_drained() override { story_.push_back(name_ + " drained"); }
  void on_closed() override {
    story_.push_back(name_ + " closed");
    if (last_act) last_act();
  }

  Transport* transport = nullptr;
  std::string received;
  bool quiet = false;
  std::function<void()> act, last_act;

 private:
  std::vector<std::string>& story_;
  std::string name_;
};

} // namespace foyer::io::test

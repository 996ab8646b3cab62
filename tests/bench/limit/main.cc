// What the kernel alone costs: programs that do a benchmark's system calls and
// nothing else. A server can come near them and not pass them.
//
//   bench_limit fanout PORT FRAME_BYTES   a frame that comes in goes out FRAME_BYTES long to everybody else,
//                                         all frames of a turn in one send() per receiver
//   bench_limit echo PORT                 minimal WebSocket framing, no handshake: frames come back unmasked
//   bench_limit accept PORT               bytes come back as they are
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/websocket.h"

namespace {

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

int listen_on(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) die("bind");
  if (::listen(fd, 4096) < 0) die("listen");
  return fd;
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&ready, 1, 1000);
    } else {
      return;
    }
  }
}

// The whole masked frames at the front of `bytes`: unmasks each in place and
// gives it to `each`; returns the length of what is left.
template <class Each>
std::size_t take_frames(std::string& bytes, Each each) {
  std::size_t at = 0;
  while (bytes.size() - at >= 6) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[at + i]); };
    std::size_t size = byte(1) & 0x7f, head = 2;
    if (size == 126) {
      size = static_cast<std::size_t>(byte(2)) << 8 | byte(3);
      head = 4;
    }
    if (bytes.size() - at < head + 4 + size) break;
    char* payload = bytes.data() + at + head + 4;
    for (std::size_t i = 0; i < size; ++i)
      payload[i] = static_cast<char>(payload[i] ^ payload[static_cast<std::ptrdiff_t>(i % 4) - 4]);
    each(std::string_view{payload, size});
    at += head + 4 + size;
  }
  bytes.erase(0, at);
  return bytes.size();
}

// A frame of `total` bytes with a header of two or four bytes and a payload that no client looks into.
std::string frame_of(std::size_t total) {
  std::string payload = R"({"type":"message",)";
  payload.resize(total - (total - 2 < 126 ? 2 : 4), 'x');
  std::string frame;
  foyer::wire::append_frame(frame, foyer::wire::Opcode::text, payload);
  return frame;
}

enum class Mode : std::uint8_t { fanout, echo, accept };

class Server {
 public:
  // `frame`: what each frame that comes in is replaced by; for fanout alone.
  Server(Mode mode, int listener, std::string frame) : mode_(mode), listener_(listener), frame_(std::move(frame)) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = listener_}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 512> events;
    for (;;) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == listener_)
          accept_batch();
        else
          receive(fd);
      }
      if (!ready_.empty()) {
        for (const int fd : receivers_) send_all(fd, ready_);
        ready_.clear();
      }
    }
  }

 private:
  void accept_batch() {
    for (int batch = 0; batch < 64; ++batch) {
      const int accepted = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (accepted < 0) return;
      epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.fd = accepted}};
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, accepted, &event);
      if (mode_ == Mode::fanout) receivers_.push_back(accepted);
      if (mode_ != Mode::accept) {
        const auto at = static_cast<std::size_t>(accepted);
        if (pieces_.size() <= at) pieces_.resize(at + 1);
        pieces_[at].clear();
      }
    }
  }

  void receive(int fd) {
    const ssize_t n = ::recv(fd, buffer_.data(), buffer_.size(), 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      ::close(fd);
      std::erase(receivers_, fd);
      return;
    }
    const std::string_view bytes{buffer_.data(), static_cast<std::size_t>(n)};
    if (mode_ == Mode::accept) return send_all(fd, bytes);
    std::string& piece = pieces_[static_cast<std::size_t>(fd)];
    piece.append(bytes);
    if (mode_ == Mode::echo) {
      answer_.clear();
      take_frames(piece,
          [&](std::string_view payload) { foyer::wire::append_frame(answer_, foyer::wire::Opcode::text, payload); });
      send_all(fd, answer_);
    } else {
      std::erase(receivers_, fd); // who sends is a publisher
      take_frames(piece, [&](std::string_view) { ready_.append(frame_); });
    }
  }

  Mode mode_;
  int listener_;
  std::string frame_;
  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::string> pieces_; // by descriptor: the beginning of a frame
  std::vector<int> receivers_;
  std::string ready_;  // of this turn, for all receivers
  std::string answer_; // of echo, kept for its memory
  std::vector<char> buffer_ = std::vector<char>(256 * 1024);
};

} // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("bench_limit fanout PORT FRAME_BYTES | echo PORT | accept PORT\n", stderr);
    return 2;
  }
  const std::string_view name = argv[1];
  const Mode mode = name == "accept" ? Mode::accept : name == "echo" ? Mode::echo : Mode::fanout;
  const auto frame_bytes = static_cast<std::size_t>(argc > 3 ? std::atoi(argv[3]) : 250);
  const int listener = listen_on(static_cast<std::uint16_t>(std::atoi(argv[2])));
  Server(mode, listener, mode == Mode::fanout ? frame_of(frame_bytes) : std::string{}).run();
}

#include "io/poll/epoll_poller.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "io/poll/address_text.h"
#include "wire/websocket.h"

namespace foyer::io {
namespace {

constexpr Tag kWakeTag = 0;
constexpr std::uint32_t kConnectionEvents = EPOLLIN | EPOLLRDHUP | EPOLLET;

int must(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

int fd_of(Handle handle) { return static_cast<int>(handle); }
Handle handle_of(int fd) { return static_cast<Handle>(fd); }
int open_reserve() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

class EpollPoller final : public Poller {
 public:
  EpollPoller() : read_buffer_(std::make_unique<char[]>(kMostRead + wire::kPadding)) {
    epoll_ = must(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    wake_ = must(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
    control(EPOLL_CTL_ADD, wake_, EPOLLIN | EPOLLET, kWakeTag); // edge-triggered: no read needed
  }
  ~EpollPoller() override {
    if (reserve_ >= 0) ::close(reserve_);
    ::close(wake_);
    ::close(epoll_);
  }
  EpollPoller(const EpollPoller&) = delete;
  EpollPoller& operator=(const EpollPoller&) = delete;

  std::size_t wait(std::span<Event> events, std::optional<Millis> limit) override;
  void wake() override { ::eventfd_write(wake_, 1); }

  void watch_listener(Handle listener, Tag tag) override {
    if (reserve_ < 0) reserve_ = open_reserve();
    control(EPOLL_CTL_ADD, fd_of(listener), EPOLLIN | EPOLLEXCLUSIVE, tag);
  }
  void unwatch_listener(Handle listener) override { ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd_of(listener), nullptr); }
  Accepted accept(Handle listener) override;

  bool watch(Handle socket, Tag tag) override { return control(EPOLL_CTL_ADD, fd_of(socket), kConnectionEvents, tag); }
  void want_writable(Handle socket, Tag tag, bool wanted) override {
    control(EPOLL_CTL_MOD, fd_of(socket), kConnectionEvents | (wanted ? EPOLLOUT : 0U), tag);
  }
  Received read(Handle socket) override;
  std::optional<std::size_t> send(Handle socket, std::span<const iovec> pieces, bool end_follows) override;
  void shut_down(Handle socket) override { ::shutdown(fd_of(socket), SHUT_WR); }
  void reset_on_close(Handle socket, bool wanted) override {
    const linger at_once{.l_onoff = wanted ? 1 : 0, .l_linger = 0};
    ::setsockopt(fd_of(socket), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  bool has_failed(Handle socket) override;
  std::size_t unacknowledged(Handle socket) override;
  void close(Handle socket) override { ::close(fd_of(socket)); }

 private:
  bool control(int operation, int fd, std::uint32_t events, Tag tag) {
    epoll_event event{.events = events, .data = {.u64 = tag}};
    return ::epoll_ctl(epoll_, operation, fd, &event) == 0;
  }
  Accepted turn_away(Handle listener, int error);

  int epoll_ = -1;
  int wake_ = -1;
  int reserve_ = -1; // opened with the first listener
  std::unique_ptr<char[]> read_buffer_;
};

std::size_t EpollPoller::wait(std::span<Event> events, std::optional<Millis> limit) {
  constexpr Millis::rep kLongest = 3'600'000;
  const int timeout = limit ? static_cast<int>(std::min(limit->count(), kLongest)) : -1;
  std::array<epoll_event, kMostEvents> ready;
  const auto room = static_cast<int>(std::min(events.size(), kMostEvents));
  const int count = ::epoll_wait(epoll_, ready.data(), room, timeout);
  std::size_t filled = 0;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready[static_cast<std::size_t>(i)];
    if (event.data.u64 == kWakeTag) continue;
    const bool ended = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    events[filled++] = {.tag = event.data.u64,
        .readable = ended || (event.events & EPOLLIN) != 0,
        .writable = (event.events & EPOLLOUT) != 0,
        .ended = ended};
  }
  return filled;
}

Received EpollPoller::read(Handle socket) {
  using Outcome = Received::Outcome;
  for (;;) {
    const ssize_t n = ::recv(fd_of(socket), read_buffer_.get(), kMostRead, MSG_DONTWAIT);
    if (n > 0) {
      const auto size = static_cast<std::size_t>(n);
      // Edge-triggered: a short read means that the socket is empty (epoll(7), question 9).
      return {.outcome = Outcome::bytes, .more = size == kMostRead, .bytes = {read_buffer_.get(), size}};
    }
    if (n == 0) return {.outcome = Outcome::end};
    if (errno == EINTR) continue;
    return {.outcome = errno == EAGAIN ? Outcome::nothing : Outcome::failed};
  }
}

std::optional<std::size_t> EpollPoller::send(Handle socket, std::span<const iovec> pieces, bool end_follows) {
  const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (end_follows ? MSG_MORE : 0);
  for (;;) {
    ssize_t n = 0;
    if (pieces.size() == 1) {
      n = ::send(fd_of(socket), pieces[0].iov_base, pieces[0].iov_len, flags);
    } else {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(pieces.data());
      message.msg_iovlen = pieces.size();
      n = ::sendmsg(fd_of(socket), &message, flags);
    }
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return 0;
    return std::nullopt;
  }
}

bool EpollPoller::has_failed(Handle socket) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_of(socket), SOL_SOCKET, SO_ERROR, &error, &size);
  return error != 0;
}

std::size_t EpollPoller::unacknowledged(Handle socket) {
  int bytes = 0;
  return ::ioctl(fd_of(socket), SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

Accepted EpollPoller::accept(Handle listener) {
  using Outcome = Accepted::Outcome;
  sockaddr_storage storage;
  auto& address = reinterpret_cast<sockaddr&>(storage);
  socklen_t size = sizeof storage;
  const int fd = ::accept4(fd_of(listener), &address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) return {.outcome = Outcome::connection, .handle = handle_of(fd), .address = address_text(address)};
  const int error = errno;
  switch (error) {
    case EAGAIN: return {.outcome = Outcome::nothing};
    case EMFILE:
    case ENFILE: return turn_away(listener, error);
    case ENOBUFS:
    case ENOMEM: return {.outcome = Outcome::exhausted, .error = error};
    default: return {.outcome = Outcome::lost}; // accept(2), "Error handling"
  }
}

Accepted EpollPoller::turn_away(Handle listener, int error) {
  using Outcome = Accepted::Outcome;
  if (reserve_ < 0) return {.outcome = Outcome::exhausted, .error = error};
  ::close(reserve_);
  const int fd = ::accept4(fd_of(listener), nullptr, nullptr, SOCK_CLOEXEC);
  const bool nobody = fd < 0 && errno == EAGAIN; // accept(2) wants a descriptor before it looks at the queue
  if (fd >= 0) ::close(fd);
  reserve_ = open_reserve();
  if (nobody) return {.outcome = Outcome::nothing};
  return {.outcome = fd >= 0 ? Outcome::turned_away : Outcome::lost, .error = error};
}

} // namespace

std::unique_ptr<Poller> make_epoll_poller() { return std::make_unique<EpollPoller>(); }

Handle epoll_handle(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  return handle_of(fd);
}

} // namespace foyer::io

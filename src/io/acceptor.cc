#include "io/acceptor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "io/epoll_loop.h"

namespace foyer::io {

namespace {
int open_reserve() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
} // namespace

Acceptor::Acceptor(EpollLoop& loop, std::shared_ptr<Listener> listener, AcceptFunction accept, std::uint64_t tag)
    : loop_(loop),
      listener_(std::move(listener)),
      accept_(std::move(accept)),
      tag_(tag),
      reserve_(open_reserve()) {
  watch();
}

Acceptor::~Acceptor() {
  let_go();
  if (reserve_ >= 0) ::close(reserve_);
}

// Level-triggered, so that what one turn leaves in the queue comes up in the next;
// exclusive, so that a connection wakes one loop and not all of them.
void Acceptor::watch() {
  epoll_event event{.events = EPOLLIN | EPOLLEXCLUSIVE, .data = {.u64 = tag_}};
  ::epoll_ctl(loop_.epoll_, EPOLL_CTL_ADD, listener_->fd(), &event);
}

void Acceptor::rest() {
  ::epoll_ctl(loop_.epoll_, EPOLL_CTL_DEL, listener_->fd(), nullptr);
  loop_.arm(*this, kRest);
}

void Acceptor::on_timer() {
  if (reserve_ < 0) reserve_ = open_reserve();
  if (listener_) watch();
}

void Acceptor::let_go() {
  if (!listener_) return;
  if (armed())
    loop_.disarm(*this);
  else
    ::epoll_ctl(loop_.epoll_, EPOLL_CTL_DEL, listener_->fd(), nullptr);
  listener_.reset();
}

void Acceptor::on_ready() {
  for (int i = 0; i < kPerTurn && listener_ && !armed(); ++i)
    if (!accept_one()) return;
}

void Acceptor::finish() {
  constexpr int kAtMost = 100'000; // an attacker may connect as fast as we accept
  for (int i = 0; i < kAtMost && listener_ && !armed(); ++i)
    if (!accept_one()) break;
  let_go();
}

bool Acceptor::accept_one() {
  sockaddr_storage storage;
  auto& address = reinterpret_cast<sockaddr&>(storage);
  socklen_t size = sizeof storage;
  const int fd = ::accept4(listener_->fd(), &address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    loop_.start(fd, address_text(address), accept_);
    return true;
  }
  switch (errno) {
    case EAGAIN: return false;
    case EMFILE:
    case ENFILE: {
      const int error = errno;
      report(error);
      if (shed_one()) return true;
      rest();
      return false;
    }
    case ENOBUFS:
    case ENOMEM:
      report(errno);
      rest();
      return false;
    default: return true; // the connection was gone before it was accepted (accept(2), "Error handling")
  }
}

bool Acceptor::shed_one() {
  if (reserve_ < 0) return false;
  ::close(reserve_);
  const int fd = ::accept4(listener_->fd(), nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0) {
    ::close(fd);
    loop_.stats_.shed.add();
    ++shed_unreported_;
  }
  reserve_ = open_reserve();
  return reserve_ >= 0;
}

void Acceptor::report(int error) {
  if (loop_.now() < report_after_) return;
  report_after_ = loop_.now() + kLogPause;
  loop_.log_.error("accept_failed",
      "connections are turned away: the process has no file descriptor or memory left for them; raise the limit of "
      "open files",
      {{"code", code_of(Cause::CONNECTION_LIMIT)}, {"error", std::error_code(error, std::generic_category()).message()},
          {"turned_away", shed_unreported_}, {"open_connections", loop_.stats_.connections.value()}});
  shed_unreported_ = 0;
}

} // namespace foyer::io

#include "io/epoll_transport.h"

#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "io/epoll_loop.h"

namespace foyer::io {

namespace {
constexpr std::size_t kMostDiscarded = 16 * 1024 * 1024; // of a peer that goes on sending after the end
}

EpollTransport::EpollTransport(EpollLoop& loop, int fd, std::uint32_t slot, std::string peer)
    : loop_(loop),
      peer_(std::move(peer)),
      fd_(fd),
      slot_(slot) {}

EpollTransport::~EpollTransport() {
  if (fd_ >= 0) ::close(fd_);
}

void EpollTransport::touch() {
  if (dirty_) return;
  dirty_ = true;
  loop_.dirty_.push_back(this);
}

void EpollTransport::send(const SharedBytes& bytes) {
  if (state_ != State::open) return;
  list_ = loop_.queue_.append(list_, bytes);
  touch();
}

void EpollTransport::send_copy(std::string_view bytes) {
  if (state_ != State::open) return;
  list_ = loop_.queue_.append_copy(list_, bytes);
  touch();
}

bool EpollTransport::send_within(const SharedBytes& bytes, std::size_t limit) {
  if (state_ != State::open) return true;
  const BatchQueue::List longer = loop_.queue_.append(list_, bytes);
  if (loop_.queue_.size(longer) + (backlog_ ? backlog_->bytes() : 0) > limit) return false;
  list_ = longer;
  touch();
  return true;
}

std::size_t EpollTransport::queued() const { return loop_.queue_.size(list_) + (backlog_ ? backlog_->bytes() : 0); }

std::size_t EpollTransport::unacknowledged() const {
  int bytes = 0;
  return fd_ >= 0 && ::ioctl(fd_, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

std::size_t EpollTransport::drop_queue() {
  std::size_t dropped = loop_.queue_.size(list_);
  list_ = BatchQueue::kEmpty;
  if (backlog_) dropped += backlog_->drop_unstarted();
  return dropped;
}

void EpollTransport::close_gracefully(Millis linger) {
  if (state_ != State::open) return;
  state_ = State::flushing;
  linger_ = std::make_unique<Linger>(*this, linger);
  loop_.arm(*linger_, linger); // a peer that takes nothing is given up as well
  touch();
}

void EpollTransport::abort() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  linger_.reset();
  backlog_.reset();
  list_ = BatchQueue::kEmpty;
  ::close(fd_);
  fd_ = -1;
  loop_.closed_.push_back(this);
}

void EpollTransport::fail() {
  reset_ = true;
  abort();
}

void EpollTransport::shut_down() {
  ::shutdown(fd_, SHUT_WR);
  if (ended_ || linger_->duration <= Millis{0}) return abort();
  state_ = State::lingering;
  loop_.arm(*linger_, linger_->duration);
}

void EpollTransport::want_writable(bool wanted) {
  if (wants_writable_ == wanted) return;
  wants_writable_ = wanted;
  loop_.watch(*this, wanted);
}

bool EpollTransport::write(std::string_view bytes, std::size_t& taken) {
  const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && errno != EAGAIN && errno != EINTR) {
    fail();
    return false;
  }
  if (n > 0) {
    taken = static_cast<std::size_t>(n);
    loop_.stats_.sends.add();
    loop_.stats_.bytes_out.add(taken);
  }
  return true;
}

void EpollTransport::send_now(std::string_view bytes) {
  if (state_ != State::open || bytes.empty()) return;
  if (backlog_) return backlog_->push(share(std::string{bytes})); // EPOLLOUT goes on with it
  std::size_t taken = 0;
  if (!write(bytes, taken) || taken == bytes.size()) return;
  backlog_ = std::make_unique<Backlog>();
  backlog_->push(share(std::string{bytes.substr(taken)}));
  if (write_backlog()) backlog_.reset();
}

void EpollTransport::flush() {
  dirty_ = false;
  if (state_ == State::closed || state_ == State::lingering) return;
  const BatchQueue::List list = std::exchange(list_, BatchQueue::kEmpty);
  if (backlog_) return loop_.queue_.keep(list, *backlog_); // EPOLLOUT goes on with it
  if (list != BatchQueue::kEmpty) {
    std::size_t taken = 0;
    const auto bytes = loop_.queue_.contiguous(list);
    if (bytes && !write(*bytes, taken)) return;
    if (!bytes || taken < bytes->size()) {
      backlog_ = std::make_unique<Backlog>();
      loop_.queue_.keep(list, *backlog_);
      backlog_->consume(taken);
      if (!write_backlog()) return;
      backlog_.reset();
    }
  }
  if (state_ == State::flushing) shut_down();
}

bool EpollTransport::write_backlog() {
  std::array<iovec, 128> pieces;
  while (!backlog_->empty()) {
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = backlog_->gather(pieces);
    const ssize_t n = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      loop_.stats_.blocked.add();
      want_writable(true);
      return false;
    }
    if (n < 0) {
      fail();
      return false;
    }
    loop_.stats_.sends.add();
    loop_.stats_.bytes_out.add(static_cast<std::size_t>(n));
    backlog_->consume(static_cast<std::size_t>(n));
    if (linger_) loop_.arm(*linger_, linger_->duration); // who takes something, however slowly, is waited for
  }
  return true;
}

void EpollTransport::on_events(std::uint32_t events) {
  if (state_ == State::closed) return;
  if ((events & EPOLLOUT) != 0 && backlog_) {
    if (write_backlog()) {
      backlog_.reset();
      want_writable(false);
      if (state_ == State::flushing)
        touch();
      else
        handler_->on_drained();
    }
    if (state_ == State::closed) return;
  }
  if (read_later_) return; // until then it has had its share
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
    read((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
}

void EpollTransport::read(bool until_end) {
  if (ended_) {
    // After the peer's end only an error can come: the other direction was reset.
    if (until_end && (loop_.error_of(fd_) != 0)) fail();
    return;
  }
  for (std::size_t done = 0; done < EpollLoop::kReadBuffer;) { // then the others have their turn
    const ssize_t n = ::recv(fd_, loop_.read_buffer_.get(), EpollLoop::kReadBuffer, MSG_DONTWAIT);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) fail();
      return;
    }
    if (n == 0) {
      ended_ = true;
      if (state_ == State::lingering)
        abort();
      else if (state_ == State::open)
        handler_->on_eof();
      return;
    }
    const auto size = static_cast<std::size_t>(n);
    done += size;
    loop_.stats_.reads.add();
    loop_.stats_.bytes_in.add(size);
    if (state_ == State::open)
      handler_->on_bytes({loop_.read_buffer_.get(), size});
    else if ((discarded_ += size) > kMostDiscarded)
      return abort();
    if (state_ == State::closed) return;
    // Edge-triggered: a short read means that the socket is empty (epoll(7), question 9).
    if (size < EpollLoop::kReadBuffer && !until_end) return;
  }
  if (!read_later_) {
    read_later_ = true;
    loop_.read_later(*this);
  }
}

} // namespace foyer::io

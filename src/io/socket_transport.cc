#include "io/socket_transport.h"

#include <array>

#include "io/event_loop.h"

namespace foyer::io {

namespace {
constexpr std::size_t kMostDiscarded = 16 * 1024 * 1024; // from a peer that keeps sending after the end
}

SocketTransport::SocketTransport(EventLoop& loop, Handle socket, std::uint32_t slot, std::string peer)
    : loop_(loop),
      peer_(std::move(peer)),
      socket_(socket),
      slot_(slot) {}

SocketTransport::~SocketTransport() {
  if (state_ != State::closed) loop_.poller_->close(socket_);
}

void SocketTransport::touch() {
  if (dirty_) return;
  dirty_ = true;
  loop_.dirty_.push_back(this);
}

void SocketTransport::send(const SharedBytes& bytes) {
  if (state_ != State::open) return;
  list_ = loop_.queue_.append(list_, bytes);
  touch();
}

void SocketTransport::send_copy(std::string_view bytes) {
  if (state_ != State::open) return;
  list_ = loop_.queue_.append_copy(list_, bytes);
  touch();
}

bool SocketTransport::send_within(const SharedBytes& bytes, std::size_t limit) {
  if (state_ != State::open) return true;
  const BatchQueue::List longer = loop_.queue_.append(list_, bytes);
  if (loop_.queue_.size(longer) + (backlog_ ? backlog_->bytes() : 0) > limit) return false;
  list_ = longer;
  touch();
  return true;
}

std::size_t SocketTransport::queued() const { return loop_.queue_.size(list_) + (backlog_ ? backlog_->bytes() : 0); }

std::size_t SocketTransport::unacknowledged() const {
  return state_ == State::closed ? 0 : loop_.poller_->unacknowledged(socket_);
}

std::size_t SocketTransport::drop_queue() {
  std::size_t dropped = loop_.queue_.size(list_);
  list_ = BatchQueue::kEmpty;
  if (backlog_) dropped += backlog_->drop_unstarted();
  return dropped;
}

void SocketTransport::close_gracefully(Millis linger) {
  if (state_ != State::open) return;
  state_ = State::flushing;
  linger_ = std::make_unique<Linger>(*this, linger);
  loop_.arm(*linger_, linger); // also limits how long a peer that takes nothing is waited for
  touch();
}

void SocketTransport::close_when_sent(Millis patience) {
  when_sent_ = true;
  close_gracefully(patience);
}

void SocketTransport::abort() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  linger_.reset();
  backlog_.reset();
  list_ = BatchQueue::kEmpty;
  loop_.poller_->close(socket_);
  loop_.closed_.push_back(this);
}

void SocketTransport::reset_if_cut() {
  if (state_ != State::open || reset_if_cut_) return;
  reset_if_cut_ = true;
  loop_.poller_->reset_on_close(socket_, true);
}

void SocketTransport::fail() {
  reset_ = true;
  abort();
}

void SocketTransport::shut_down() {
  if (reset_if_cut_) loop_.poller_->reset_on_close(socket_, false);
  if (ended_ || when_sent_) return abort(); // the peer reads the end all the same
  loop_.poller_->shut_down(socket_);
  if (linger_->duration <= Millis{0}) return abort();
  state_ = State::lingering;
  loop_.arm(*linger_, linger_->duration);
}

void SocketTransport::want_writable(bool wanted) {
  if (wants_writable_ == wanted) return;
  wants_writable_ = wanted;
  loop_.poller_->want_writable(socket_, loop_.tag_of(*this), wanted);
}

// One call of the poller for one or more pieces. False: the socket is gone.
bool SocketTransport::write(std::span<const iovec> pieces, std::size_t& taken, bool end_follows) {
  const auto count = loop_.poller_->send(socket_, pieces, end_follows);
  if (!count) {
    fail();
    return false;
  }
  taken = *count;
  if (taken > 0) {
    loop_.stats_.sends.add();
    loop_.stats_.bytes_out.add(taken);
  }
  return true;
}

bool SocketTransport::write(std::string_view bytes, std::size_t& taken, bool end_follows) {
  const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  return write(std::span(&piece, 1), taken, end_follows);
}

void SocketTransport::send_now(std::string_view bytes) {
  if (state_ != State::open || bytes.empty()) return;
  if (backlog_) return backlog_->push(share(std::string{bytes})); // a writable event continues it
  std::size_t taken = 0;
  if (!write(bytes, taken) || taken == bytes.size()) return;
  backlog_ = std::make_unique<Backlog>();
  backlog_->push(share(std::string{bytes.substr(taken)}));
  if (write_backlog()) backlog_.reset();
}

void SocketTransport::flush() {
  dirty_ = false;
  if (state_ == State::closed || state_ == State::lingering) return;
  const BatchQueue::List list = std::exchange(list_, BatchQueue::kEmpty);
  if (backlog_) return loop_.queue_.keep(list, *backlog_); // a writable event continues it
  if (list != BatchQueue::kEmpty) {
    std::size_t taken = 0;
    const auto bytes = loop_.queue_.contiguous(list);
    if (bytes && !write(*bytes, taken, state_ == State::flushing)) return;
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

bool SocketTransport::write_backlog() {
  std::array<iovec, 128> pieces;
  while (!backlog_->empty()) {
    std::size_t taken = 0;
    if (!write(std::span(pieces).first(backlog_->gather(pieces)), taken)) return false;
    if (taken == 0) {
      loop_.stats_.blocked.add();
      want_writable(true);
      return false;
    }
    backlog_->consume(taken);
    if (linger_) loop_.arm(*linger_, linger_->duration); // a peer that takes something, however slowly, is waited for
  }
  return true;
}

void SocketTransport::on_event(const Event& event) {
  if (state_ == State::closed) return;
  if (event.writable && backlog_) {
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
  if (read_later_) return; // it has used up its share of this turn
  if (event.readable) read(event.ended);
}

void SocketTransport::read(bool until_end) {
  if (ended_) {
    // After the peer's end only an error can follow: the other direction was reset.
    if (until_end && loop_.poller_->has_failed(socket_)) fail();
    return;
  }
  for (std::size_t done = 0; done < EventLoop::kReadShare;) { // the share of one turn
    const Received received = loop_.poller_->read(socket_);
    switch (received.outcome) {
      case Received::Outcome::nothing: return;
      case Received::Outcome::failed: return fail();
      case Received::Outcome::end:
        ended_ = true;
        if (state_ == State::lingering)
          abort();
        else if (state_ == State::open)
          handler_->on_eof();
        return;
      case Received::Outcome::bytes: break;
    }
    const std::size_t size = received.bytes.size();
    done += size;
    loop_.stats_.reads.add();
    loop_.stats_.bytes_in.add(size);
    if (state_ == State::open)
      handler_->on_bytes(received.bytes);
    else if ((linger_->discarded += size) > kMostDiscarded)
      return abort();
    if (state_ == State::closed || (!received.more && !until_end)) return;
  }
  if (!read_later_) {
    read_later_ = true;
    loop_.read_later(*this);
  }
}

} // namespace foyer::io

#include "io/epoll_loop.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "io/acceptor.h"
#include "wire/websocket.h"

namespace foyer::io {

namespace {

// An event's tag: what it is about in the upper half, which one in the lower.
// Connections carry their slot's generation, so 0 and 1 are free for the others.
constexpr std::uint32_t kWakeKind = 0;
constexpr std::uint32_t kAcceptKind = 1;
constexpr std::uint32_t kFirstGeneration = 2;
constexpr std::uint32_t kNoSlot = 0xffff'ffff;
constexpr int kEventsPerTurn = 128;           // what the earlier ones are answered leaves after that
constexpr std::size_t kPostponedPerTurn = 64; // connections that had more than their share last time
constexpr std::size_t kTimersPerTurn = 64;    // thousands may have come together and be late together

constexpr std::uint64_t tag(std::uint32_t kind, std::uint32_t which) { return std::uint64_t{kind} << 32 | which; }

int must(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

} // namespace

EpollLoop::EpollLoop(std::uint8_t index, const Clock& clock, Log& log)
    : index_(index),
      clock_(clock),
      log_(log),
      now_(clock.mono()),
      wall_(clock.wall()),
      wheel_(now_),
      read_buffer_(std::make_unique<char[]>(kReadBuffer + wire::kPadding)),
      free_slot_(kNoSlot) {
  epoll_ = must(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  wake_ = must(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = tag(kWakeKind, 0)}};
  must(::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event), "epoll_ctl");
}

EpollLoop::~EpollLoop() {
  close_all();
  acceptors_.clear();
  ::close(wake_);
  ::close(epoll_);
}

void EpollLoop::post(std::move_only_function<void()> task) {
  if (mailbox_.put(std::move(task))) ::eventfd_write(wake_, 1);
}

void EpollLoop::stop() {
  stopping_.store(true);
  ::eventfd_write(wake_, 1);
}

void EpollLoop::after_turn(std::move_only_function<void()> task) { tasks_.push_back(std::move(task)); }

void EpollLoop::run() {
  while (!stopping_.load(std::memory_order_relaxed)) turn();
  close_all();
}

bool EpollLoop::has_work() const {
  return !dirty_.empty() || !dirty_layers_.empty() || !read_later_.empty() || !closed_.empty() || !tasks_.empty();
}

void EpollLoop::turn(std::optional<Millis> limit) {
  stats_.turns.add();
  wait(limit);
  end_turn();
}

void EpollLoop::wait(std::optional<Millis> limit) {
  auto quiet = wheel_.quiet_for();
  if (limit && (!quiet || *limit < *quiet)) quiet = limit;
  int timeout = quiet ? static_cast<int>(std::min<Millis::rep>(quiet->count(), 3'600'000)) : -1;
  if (has_work() || (timeout != 0 && !mailbox_.begin_sleep())) timeout = 0;

  std::array<epoll_event, kEventsPerTurn> events;
  const int count = ::epoll_wait(epoll_, events.data(), kEventsPerTurn, timeout);
  mailbox_.end_sleep();
  now_ = clock_.mono();
  wall_ = clock_.wall();

  wheel_.set_now(now_); // what is armed from here on counts from now
  stats_.posts.add(mailbox_.run_all());
  read_postponed();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    handle(event.data.u64, event.events);
  }
  // Time is looked at last: after a pause of the process what has arrived meanwhile
  // counts, and nobody is given up for a silence that was ours.
  constexpr int kPatience = 128; // turns
  if (count < kEventsPerTurn || timers_late_ || ++full_turns_ >= kPatience) {
    timers_late_ = wheel_.advance(now_, kTimersPerTurn) == kTimersPerTurn;
    full_turns_ = 0;
  }
}

void EpollLoop::handle(std::uint64_t event_tag, std::uint32_t events) {
  const auto kind = static_cast<std::uint32_t>(event_tag >> 32);
  const auto which = static_cast<std::uint32_t>(event_tag);
  if (kind == kWakeKind) return; // edge-triggered: it need not be read
  if (kind == kAcceptKind) {
    if (which < acceptors_.size()) acceptors_[which]->on_ready();
    return;
  }
  const Slot& slot = slots_[which];
  if (slot.generation == kind && slot.transport) slot.transport->on_events(events);
}

void EpollLoop::read_postponed() {
  for (std::size_t left = std::min(read_later_.size(), kPostponedPerTurn); left > 0; --left) {
    const std::uint64_t which = read_later_.front();
    read_later_.pop_front();
    const Slot& slot = slots_[static_cast<std::uint32_t>(which)];
    if (slot.generation != which >> 32 || !slot.transport) continue; // closed meanwhile
    slot.transport->read_later_ = false;
    if (slot.transport->state_ != EpollTransport::State::closed) slot.transport->read(true);
  }
}

void EpollLoop::end_turn() {
  if (!dirty_layers_.empty()) { // first: what they close or shut down is flushed below
    flushing_layers_.swap(dirty_layers_);
    for (Layer* layer : flushing_layers_) layer->flush();
    flushing_layers_.clear();
  }
  flushing_.swap(dirty_);
  for (EpollTransport* transport : flushing_) transport->flush();
  flushing_.clear();
  queue_.clear();

  // Nothing of the turn that ended points to these any more. What closes now may
  // still stand in dirty_ of the next one, so it is kept until that one's end.
  graveyard_.clear();
  for (std::size_t i = 0; i < closed_.size(); ++i) {
    EpollTransport* transport = closed_[i];
    stats_.connections.subtract(1);
    if (transport->handler_ != nullptr) transport->handler_->on_closed();
    Slot& slot = slots_[transport->slot_];
    graveyard_.push_back(std::move(slot.transport));
    slot.next_free = std::exchange(free_slot_, transport->slot_);
  }
  closed_.clear();

  running_tasks_.swap(tasks_);
  for (auto& task : running_tasks_) task();
  running_tasks_.clear();
}

std::uint32_t EpollLoop::take_slot() {
  std::uint32_t which = free_slot_;
  if (which == kNoSlot) {
    which = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back().generation = kFirstGeneration;
    return which;
  }
  Slot& slot = slots_[which];
  free_slot_ = slot.next_free;
  if (++slot.generation < kFirstGeneration) slot.generation = kFirstGeneration;
  return which;
}

Transport* EpollLoop::adopt(int fd, std::string peer, const AcceptFunction& accept) {
  const int flags = ::fcntl(fd, F_GETFL);
  ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  return start(fd, std::move(peer), accept);
}

Transport* EpollLoop::start(int fd, std::string peer, const AcceptFunction& accept) {
  const std::uint32_t which = take_slot();
  slots_[which].transport = std::make_unique<EpollTransport>(*this, fd, which, std::move(peer));
  EpollTransport& transport = *slots_[which].transport;
  stats_.accepted.add();
  stats_.connections.add();
  epoll_event event{.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = {.u64 = tag(slots_[which].generation, which)}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) < 0) {
    stats_.shed.add();
    transport.abort();
    return nullptr;
  }
  transport.handler_ = accept(*this, transport);
  if (transport.handler_ == nullptr) {
    transport.abort();
    return nullptr;
  }
  return &transport;
}

void EpollLoop::read_later(const EpollTransport& transport) {
  read_later_.push_back(tag(slots_[transport.slot_].generation, transport.slot_));
}

void EpollLoop::watch(EpollTransport& transport, bool writable) {
  epoll_event event{.events = EPOLLIN | EPOLLRDHUP | EPOLLET,
      .data = {.u64 = tag(slots_[transport.slot_].generation, transport.slot_)}};
  if (writable) event.events |= EPOLLOUT;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, transport.fd_, &event);
}

int EpollLoop::error_of(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

void EpollLoop::listen(std::shared_ptr<Listener> listener, AcceptFunction accept) {
  const auto which = static_cast<std::uint32_t>(acceptors_.size());
  acceptors_.push_back(
      std::make_unique<Acceptor>(*this, std::move(listener), std::move(accept), tag(kAcceptKind, which)));
}

void EpollLoop::stop_listening() {
  for (auto& acceptor : acceptors_) acceptor->finish();
}

void EpollLoop::close_all() {
  for (auto& acceptor : acceptors_) acceptor->let_go();
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (slots_[i].transport) slots_[i].transport->abort();
  end_turn();
  end_turn();
  graveyard_.clear();
  tasks_.clear(); // who gave them may be gone before the loop is
  costly_.forget();
}

} // namespace foyer::io

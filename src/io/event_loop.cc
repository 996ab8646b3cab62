#include "io/event_loop.h"

#include <algorithm>
#include <array>
#include <utility>

#include "io/acceptor.h"
#include "io/wake_batch.h"

namespace foyer::io {

namespace {

// An event's tag: its kind in the upper half, the object in the lower.
// Connections carry their slot's generation, so 0 and 1 are free for the others.
constexpr std::uint32_t kAcceptKind = 1;
constexpr std::uint32_t kFirstGeneration = 2;
constexpr std::size_t kEventsPerTurn = Poller::kMostEvents; // leaves time to answer the earlier ones
constexpr std::size_t kPostponedPerTurn = 64;               // connections that used up their share last time
constexpr std::size_t kTimersPerTurn = 64;                  // thousands may be due at once, and late
constexpr int kPostRounds = 2;                              // of tasks that were posted during a turn

constexpr Tag tag(std::uint32_t kind, std::uint32_t which) { return Tag{kind} << 32 | which; }
constexpr SlotId connection_of(Tag tag) {
  return {.slot = static_cast<std::uint32_t>(tag), .generation = static_cast<std::uint32_t>(tag >> 32)};
}

} // namespace

EventLoop::EventLoop(std::uint8_t index, const Clock& clock, Log& log, std::unique_ptr<Poller> poller)
    : index_(index),
      clock_(clock),
      log_(log),
      poller_(std::move(poller)),
      now_(clock.mono()),
      wall_(clock.wall()),
      wheel_(now_),
      transports_(kFirstGeneration) {}

EventLoop::~EventLoop() {
  close_all();
  acceptors_.clear();
}

void EventLoop::post(std::move_only_function<void()> task) {
  if (mailbox_.put(std::move(task))) WakeBatch::wake(*poller_);
}

void EventLoop::stop() {
  stopping_.store(true);
  poller_->wake();
}

void EventLoop::after_turn(std::move_only_function<void()> task) { tasks_.push_back(std::move(task)); }

void EventLoop::run() {
  while (!stopping_.load(std::memory_order_relaxed)) turn();
  close_all();
}

bool EventLoop::has_left_over() const {
  return !dirty_.empty() || !dirty_layers_.empty() || !read_later_.empty() || !closed_.empty() || !tasks_.empty();
}

bool EventLoop::has_work() const {
  const auto quiet = wheel_.quiet_for();
  return has_left_over() || !mailbox_.empty() || (quiet && wheel_.now() + *quiet <= clock_.mono());
}

void EventLoop::turn(std::optional<Millis> limit) {
  stats_.turns.add();
  wait(limit);
  end_turn();
}

void EventLoop::wait(std::optional<Millis> limit) {
  auto quiet = wheel_.quiet_for();
  if (limit && (!quiet || *limit < *quiet)) quiet = limit;
  const bool at_once = has_left_over() || (quiet && *quiet == Millis{0}) || !mailbox_.begin_sleep();
  if (at_once) quiet = Millis{0};

  std::array<Event, kEventsPerTurn> events;
  const std::size_t count = poller_->wait(events, quiet);
  mailbox_.end_sleep();
  now_ = clock_.mono();
  wall_ = clock_.wall();

  wheel_.set_now(now_); // timers armed from here on count from now
  stats_.posts.add(mailbox_.run_all());
  read_postponed();
  for (std::size_t i = 0; i < count; ++i) handle(events[i]);
  // A request that is posted to another part of this loop and answered by a post ends in the turn that read it: each
  // further turn would be a call of the poller.
  for (int i = 0; i < kPostRounds && !mailbox_.empty(); ++i) stats_.posts.add(mailbox_.run_all());
  // Timers run last: after a pause of the process, input that arrived meanwhile
  // counts, and no peer times out because of our own pause.
  constexpr int kPatience = 128; // turns
  if (count < kEventsPerTurn || timers_late_ || ++full_turns_ >= kPatience) {
    timers_late_ = wheel_.advance(now_, kTimersPerTurn) == kTimersPerTurn;
    full_turns_ = 0;
  }
}

void EventLoop::handle(const Event& event) {
  const auto kind = static_cast<std::uint32_t>(event.tag >> 32);
  if (kind == kAcceptKind) {
    const auto which = static_cast<std::uint32_t>(event.tag);
    if (which < acceptors_.size()) acceptors_[which]->on_ready();
    return;
  }
  if (SocketTransport* transport = transports_.find(connection_of(event.tag))) transport->on_event(event);
}

void EventLoop::read_postponed() {
  for (std::size_t left = std::min(read_later_.size(), kPostponedPerTurn); left > 0; --left) {
    SocketTransport* transport = transports_.find(connection_of(read_later_.front()));
    read_later_.pop_front();
    if (transport == nullptr) continue; // closed meanwhile
    transport->read_later_ = false;
    if (transport->state_ != SocketTransport::State::closed) transport->read(true);
  }
}

void EventLoop::end_turn() {
  if (!dirty_layers_.empty()) { // first: what they close or shut down is flushed below
    flushing_layers_.swap(dirty_layers_);
    for (Layer* layer : flushing_layers_) layer->flush();
    flushing_layers_.clear();
  }
  flushing_.swap(dirty_);
  for (SocketTransport* transport : flushing_) transport->flush();
  flushing_.clear();
  if (queue_.large()) large_at_ = now_;
  queue_.clear();
  give_back_memory();

  // Nothing of the turn that ended points to these any more. A transport that closes now may
  // still be in dirty_ of the next one, so it is kept until that one's end.
  graveyard_.clear();
  for (std::size_t i = 0; i < closed_.size(); ++i) {
    SocketTransport* transport = closed_[i];
    stats_.connections.subtract(1);
    if (transport->handler_ != nullptr) transport->handler_->on_closed();
    graveyard_.push_back(transports_.remove(transport->slot_));
  }
  closed_.clear();

  running_tasks_.swap(tasks_);
  for (auto& task : running_tasks_) task();
  running_tasks_.clear();
}

// A turn in which thousands are sent different things, as when they connect, takes a megabyte or two. After a while
// without such turns the loop does without.
void EventLoop::give_back_memory() {
  constexpr Millis kQuiet{1'000};
  if (large_at_ == MonoTime{} || now_ - large_at_ < kQuiet) return;
  large_at_ = MonoTime{};
  queue_.shrink();
  std::vector<SocketTransport*>{}.swap(flushing_);
  if (dirty_.empty()) std::vector<SocketTransport*>{}.swap(dirty_);
}

Transport* EventLoop::adopt(Handle socket, std::string peer, const AcceptFunction& accept) {
  SocketTransport& transport = transports_.add(
      [&](SlotId id) { return std::make_unique<SocketTransport>(*this, socket, id.slot, std::move(peer)); });
  stats_.accepted.add();
  stats_.connections.add();
  if (!poller_->watch(socket, tag_of(transport))) {
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

Tag EventLoop::tag_of(const SocketTransport& transport) const {
  const SlotId id = transports_.id_of(transport.slot_);
  return tag(id.generation, id.slot);
}

void EventLoop::read_later(const SocketTransport& transport) { read_later_.push_back(tag_of(transport)); }

void EventLoop::listen(const std::shared_ptr<Listener>& listener, AcceptFunction accept) {
  listen(static_cast<Handle>(listener->fd()), listener, std::move(accept));
}

void EventLoop::listen(Handle listener, std::shared_ptr<const void> owner, AcceptFunction accept) {
  const auto which = static_cast<std::uint32_t>(acceptors_.size());
  acceptors_.push_back(
      std::make_unique<Acceptor>(*this, listener, std::move(owner), std::move(accept), tag(kAcceptKind, which)));
}

void EventLoop::stop_listening() {
  for (auto& acceptor : acceptors_) acceptor->finish();
}

void EventLoop::close_all() {
  for (auto& acceptor : acceptors_) acceptor->let_go();
  transports_.each([](SocketTransport& transport) { transport.abort(); });
  end_turn();
  end_turn();
  graveyard_.clear();
  tasks_.clear(); // their owners may be destroyed before the loop is
  costly_.forget();
}

} // namespace foyer::io

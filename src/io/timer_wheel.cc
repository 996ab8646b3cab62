#include "io/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace foyer::io {

Timer::~Timer() {
  if (wheel_ != nullptr) wheel_->disarm(*this);
}

TimerWheel::TimerWheel(MonoTime start) : start_(start), now_(start) {
  for (auto& level : slots_)
    for (auto& head : level) make_empty(head);
  make_empty(due_);
}

TimerWheel::~TimerWheel() {
  for (auto& level : slots_)
    for (auto& head : level) let_go(head);
  let_go(due_);
}

void TimerWheel::let_go(Head& head) {
  while (head.next_ != &head) {
    Timer& timer = *head.next_;
    unlink(timer);
    timer.wheel_ = nullptr;
  }
  head.next_ = head.prev_ = nullptr;
}

void TimerWheel::make_empty(Head& head) { head.next_ = head.prev_ = &head; }

void TimerWheel::link(Head& head, Timer& timer) {
  timer.prev_ = head.prev_;
  timer.next_ = &head;
  head.prev_->next_ = &timer;
  head.prev_ = &timer;
}

void TimerWheel::unlink(Timer& timer) {
  timer.prev_->next_ = timer.next_;
  timer.next_->prev_ = timer.prev_;
  timer.next_ = timer.prev_ = nullptr;
}

void TimerWheel::splice(Head& from, Head& to) {
  make_empty(to);
  if (from.next_ == &from) return;
  to.next_ = from.next_;
  to.prev_ = from.prev_;
  to.next_->prev_ = &to;
  to.prev_->next_ = &to;
  make_empty(from);
}

void TimerWheel::arm(Timer& timer, Millis after) {
  if (timer.wheel_ != nullptr) timer.wheel_->disarm(timer);
  const auto since_start = now_ - start_ + std::max(after, Millis{0});
  const auto ticks = (since_start + kTick - std::chrono::nanoseconds{1}) / kTick;
  const std::uint64_t furthest = tick_ + (std::uint64_t{1} << (kBits * kLevels)) - kSlots * kSlots * kSlots - 1;
  timer.due_tick_ = std::clamp(static_cast<std::uint64_t>(ticks), tick_ + 1, furthest);
  timer.wheel_ = this;
  ++armed_;
  place(timer);
}

void TimerWheel::disarm(Timer& timer) {
  if (timer.wheel_ != this) return;
  unlink(timer);
  timer.wheel_ = nullptr;
  --armed_;
}

// The level is that of the highest digit in which the due tick differs from the
// present one: there, and only there, the slot is still ahead of the hand.
void TimerWheel::place(Timer& timer) {
  const std::uint64_t difference = timer.due_tick_ ^ tick_;
  const unsigned width = static_cast<unsigned>(std::bit_width(difference));
  const unsigned level = std::min(width == 0 ? 0U : (width - 1) / kBits, kLevels - 1);
  const unsigned slot = static_cast<unsigned>(timer.due_tick_ >> (kBits * level)) & (kSlots - 1);
  link(slots_[level][slot], timer);
  occupied_[level] |= std::uint64_t{1} << slot;
}

void TimerWheel::cascade(unsigned level) {
  const unsigned slot = static_cast<unsigned>(tick_ >> (kBits * level)) & (kSlots - 1);
  Head moving;
  splice(slots_[level][slot], moving);
  occupied_[level] &= ~(std::uint64_t{1} << slot);
  while (moving.next_ != &moving) {
    Timer& timer = *moving.next_;
    unlink(timer);
    place(timer);
  }
}

void TimerWheel::next_tick() {
  ++tick_;
  unsigned carry = 0;
  while (carry + 1 < kLevels && ((tick_ >> (kBits * carry)) & (kSlots - 1)) == 0) ++carry;
  for (unsigned level = carry; level > 0; --level) cascade(level);

  const unsigned slot = static_cast<unsigned>(tick_) & (kSlots - 1);
  if ((occupied_[0] >> slot & 1) == 0) return;
  splice(slots_[0][slot], due_);
  occupied_[0] &= ~(std::uint64_t{1} << slot);
}

std::size_t TimerWheel::fire(std::size_t at_most) {
  std::size_t fired = 0;
  for (; due_.next_ != &due_ && fired < at_most; ++fired) {
    Timer& timer = *due_.next_;
    disarm(timer);
    timer.on_timer();
  }
  return fired;
}

std::size_t TimerWheel::advance(MonoTime now, std::size_t at_most) {
  now_ = std::max(now_, now);
  const auto target = static_cast<std::uint64_t>((now_ - start_) / kTick);
  std::size_t fired = fire(at_most);
  while (tick_ < target && due_.next_ == &due_) {
    if (armed_ == 0) {
      tick_ = target;
      break;
    }
    next_tick();
    fired += fire(at_most - fired);
  }
  return fired;
}

std::optional<Millis> TimerWheel::quiet_for() const {
  if (armed_ == 0) return std::nullopt;
  if (due_.next_ != &due_) return Millis{0};
  std::uint64_t next = tick_ + (kSlots - (tick_ & (kSlots - 1))); // when the second wheel turns
  const unsigned position = static_cast<unsigned>(tick_) & (kSlots - 1);
  const std::uint64_t ahead = position == kSlots - 1 ? 0 : occupied_[0] >> (position + 1);
  if (ahead != 0) next = tick_ + 1 + static_cast<unsigned>(std::countr_zero(ahead));
  const auto at = start_ + kTick * static_cast<std::int64_t>(next);
  return std::max(Millis{0}, std::chrono::ceil<Millis>(at - now_));
}

} // namespace foyer::io

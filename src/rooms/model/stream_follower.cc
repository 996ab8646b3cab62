#include "rooms/model/stream_follower.h"

#include <algorithm>
#include <utility>

namespace foyer::rooms {
namespace {

constexpr std::size_t kEpochsRemembered = 8; // a forgotten one costs one request for the position

} // namespace

void StreamFollower::follow(Epoch epoch, Offset offset) {
  if (!epoch_.empty() && epoch != epoch_) past(epoch_);
  epoch_ = std::move(epoch);
  std::erase(past_, epoch_);
  delivered_ = stored_ = offset;
  record_only_ = shows_ = 0;
  forget_held(UINT64_MAX);
  read_.reset();
  missing_since_.reset();
  retry_at_.reset();
  wait_ = Millis{0};
  awaiting_.reset();
  suspects_.clear();
  broken_ = false;
}

// Input

Actions StreamFollower::arrived(EventPtr event, MonoTime now) {
  Actions actions;
  if (event->delivery == Delivery::ephemeral) {
    actions.emplace_back(Deliver{std::move(event)});
    return actions;
  }
  if (event->epoch != epoch_) {
    foreign(event->epoch, actions);
    return actions;
  }
  if (broken_) return actions;
  if (event->delivery == Delivery::about_history)
    changed(std::move(event), actions);
  else
    take(std::move(event), actions);
  settle(now, actions);
  return actions;
}

Actions StreamFollower::announced(const Epoch& epoch, Offset head, MonoTime now) {
  Actions actions;
  if (epoch != epoch_) {
    foreign(epoch, actions);
    return actions;
  }
  if (broken_) return actions;
  stored_ = std::max(stored_, head);
  settle(now, actions);
  return actions;
}

Actions StreamFollower::page(const Page& page, MonoTime now) {
  Actions actions;
  if (!read_ || read_->number != page.read) return actions; // an answer to an abandoned read
  const Read read = *std::exchange(read_, std::nullopt);
  if (read.outdated) {
    settle(now, actions);
    return actions;
  }
  const bool lags = delivered_ < record_only_ && page.change < shows_;
  if (page.epoch == epoch_ && !lags)
    for (const EventPtr& event : page.events)
      if (event->offset == delivered_ + 1) deliver(event, actions);
  const bool news = delivered_ > read.after; // also by events that arrived during the read
  if (page.epoch != epoch_ || (!news && (lags || page.head < read.to))) {
    failed(page.epoch != epoch_ ? "the room has another epoch" : "the store shows less than what was committed", now,
        actions);
    if (delivered_ < stored_) doubt(actions); // still missing
  } else if (!news) {
    lose(LossReason::not_kept, "undelivered messages were deleted by retention", epoch_, stored_, actions);
  }
  settle(now, actions);
  return actions;
}

Actions StreamFollower::read_failed(std::uint64_t read, std::string why, MonoTime now) {
  Actions actions;
  if (!read_ || read_->number != read) return actions;
  read_.reset();
  failed(std::move(why), now, actions);
  settle(now, actions);
  return actions;
}

Actions StreamFollower::position(const StreamPosition& position, MonoTime now) {
  Actions actions;
  const bool asked_here = position.asked.epoch == epoch_;
  bool settles = position.asked.moment >= awaiting_.value_or(0);
  if (position.epoch != epoch_ && !asked_here) { // requested before the current epoch began: it may be older or newer
    settles = false;
    if (!is_past(position.epoch)) awaiting_ = ++moment_;
  } else if (position.epoch != epoch_) {
    if (is_past(position.epoch)) {
      break_off(LossReason::epoch_changed, "the room returned to an earlier epoch", position, now, actions);
    } else {
      past(epoch_);
      lose(LossReason::epoch_changed, "the room has another epoch", position.epoch, position.head, actions);
    }
  } else if (asked_here && position.head < position.asked.stored) {
    break_off(LossReason::went_back, "the room lost messages that were stored", position, now, actions);
  } else if (!broken_) {
    stored_ = std::max(stored_, position.head);
  }
  if (awaiting_ && settles) doubts_settled();
  if (awaiting_) actions.emplace_back(ConfirmPosition{});
  settle(now, actions);
  return actions;
}

Actions StreamFollower::position_failed(std::string why, MonoTime now) {
  Actions actions;
  if (patience_is_over(now)) lose(LossReason::unreadable, std::move(why), epoch_, stored_, actions);
  return actions;
}

void StreamFollower::await_position() {
  awaiting_ = ++moment_;
  read_.reset();
  if (broken_) return;
  retry_at_.reset();
  wait_ = Millis{0};
}

std::optional<MonoTime> StreamFollower::due() const {
  if (!missing_since_) return retry_at_;
  const MonoTime end = *missing_since_ + limits_.patience;
  return retry_at_ ? std::min(*retry_at_, end) : end;
}

Actions StreamFollower::tick(MonoTime now) {
  Actions actions;
  if (patience_is_over(now)) { // a request may never be answered
    lose(LossReason::unreadable, "the store has not shown them", epoch_, stored_, actions);
    return actions;
  }
  if (!retry_at_ || now < *retry_at_) return actions;
  retry_at_.reset();
  if (broken_) {
    back_off(now);
    doubt(actions);
    return actions;
  }
  settle(now, actions);
  return actions;
}

// Order

void StreamFollower::deliver(EventPtr event, Actions& actions) {
  delivered_ = event->offset;
  stored_ = std::max(stored_, delivered_);
  missing_since_.reset();
  retry_at_.reset();
  wait_ = Millis{0};
  actions.emplace_back(Deliver{std::move(event)});
}

void StreamFollower::take(EventPtr event, Actions& actions) {
  const Offset offset = event->offset;
  if (offset <= delivered_) return; // a duplicate
  stored_ = std::max(stored_, offset);
  if (offset <= record_only_) return;
  if (offset == delivered_ + 1) return deliver(std::move(event), actions);
  const std::size_t bytes = text_bytes(*event);
  if (!held_.emplace(offset, std::move(event)).second) return;
  held_bytes_ += bytes;
  drop_beyond_limits();
}

void StreamFollower::changed(EventPtr event, Actions& actions) {
  if (event->offset > delivered_) {
    stored_ = std::max(stored_, event->offset);
    record_only_ = std::max(record_only_, event->offset);
    if (const auto* change = std::get_if<Change>(&event->body)) shows_ = std::max(shows_, change->number);
    forget_held(record_only_);
    if (read_) read_->outdated = true;
  }
  actions.emplace_back(Deliver{std::move(event)});
}

void StreamFollower::forget_held(Offset up_to) {
  while (!held_.empty() && held_.begin()->first <= up_to) {
    held_bytes_ -= text_bytes(*held_.begin()->second);
    held_.erase(held_.begin());
  }
}

// Drops the highest offsets: the lowest are needed first.
void StreamFollower::drop_beyond_limits() {
  while (held_.size() > limits_.held_events || held_bytes_ > limits_.held_bytes) {
    const auto last = std::prev(held_.end());
    held_bytes_ -= text_bytes(*last->second);
    held_.erase(last);
  }
}

void StreamFollower::settle(MonoTime now, Actions& actions) {
  if (broken_) return;
  forget_held(delivered_);
  while (!held_.empty() && held_.begin()->first == delivered_ + 1) {
    EventPtr next = held_.begin()->second;
    forget_held(delivered_ + 1);
    deliver(std::move(next), actions);
  }
  if (delivered_ >= stored_) {
    missing_since_.reset();
    retry_at_.reset();
    wait_ = Millis{0};
    return;
  }
  if (!missing_since_) missing_since_ = now;
  if (read_ || awaiting_ || retry_at_) return;
  const Offset to = held_.empty() ? stored_ : held_.begin()->first - 1;
  read_ = Read{.number = ++reads_, .after = delivered_, .to = to};
  actions.emplace_back(ReadHistory{.read = reads_, .after = delivered_, .to = to, .limit = limits_.page});
}

// Failures

void StreamFollower::failed(std::string why, MonoTime now, Actions& actions) {
  if (delivered_ >= stored_) return; // the missing events have arrived
  if (patience_is_over(now)) return lose(LossReason::unreadable, std::move(why), epoch_, stored_, actions);
  back_off(now);
}

bool StreamFollower::patience_is_over(MonoTime now) const {
  return missing_since_ && now - *missing_since_ >= limits_.patience;
}

void StreamFollower::back_off(MonoTime now) {
  wait_ = wait_ == Millis{0} ? limits_.first_retry : std::min(wait_ * 2, limits_.longest_retry);
  retry_at_ = now + wait_;
}

void StreamFollower::doubt(Actions& actions) {
  awaiting_ = ++moment_;
  read_.reset();
  actions.emplace_back(ConfirmPosition{});
}

void StreamFollower::foreign(const Epoch& epoch, Actions& actions) {
  if (is_past(epoch) || std::ranges::find(suspects_, epoch) != suspects_.end()) return;
  if (suspects_.size() == kEpochsRemembered) suspects_.erase(suspects_.begin());
  suspects_.push_back(epoch);
  doubt(actions);
}

void StreamFollower::past(const Epoch& epoch) {
  if (is_past(epoch)) return;
  if (past_.size() == kEpochsRemembered) past_.erase(past_.begin());
  past_.push_back(epoch);
}

bool StreamFollower::is_past(const Epoch& epoch) const { return std::ranges::find(past_, epoch) != past_.end(); }

// The suspects were seen before the request was made, and the answer shows another epoch: they are past.
void StreamFollower::doubts_settled() {
  awaiting_.reset();
  for (const Epoch& epoch : std::exchange(suspects_, {}))
    if (epoch != epoch_) past(epoch);
}

void StreamFollower::lose(LossReason reason, std::string why, Epoch epoch, Offset offset, Actions& actions) {
  Lost lost{.reason = reason, .why = std::move(why), .delivered = delivered_, .epoch = epoch, .offset = offset};
  if (epoch == epoch_) {
    if (const auto found = held_.find(offset); found != held_.end()) lost.last = found->second;
  } else {
    record_only_ = shows_ = 0;
  }
  epoch_ = std::move(epoch);
  delivered_ = stored_ = offset;
  forget_held(UINT64_MAX);
  read_.reset();
  missing_since_.reset();
  retry_at_.reset();
  wait_ = Millis{0};
  broken_ = false;
  actions.emplace_back(std::move(lost));
}

// `stored_` stays, so that the next request still says what the epoch had stored.
void StreamFollower::break_off(
    LossReason reason, std::string why, const StreamPosition& position, MonoTime now, Actions& actions) {
  if (broken_) return;
  broken_ = true;
  forget_held(UINT64_MAX);
  read_.reset();
  missing_since_.reset();
  wait_ = Millis{0};
  back_off(now);
  actions.emplace_back(Lost{.reason = reason,
      .why = std::move(why),
      .delivered = delivered_,
      .epoch = position.epoch,
      .offset = position.head});
}

} // namespace foyer::rooms

#include "store/connection.h"

#include <algorithm>

namespace foyer::store {
namespace {

constexpr Millis kFirstWait{100};
constexpr Millis kLongestWait{2'000};
constexpr Millis kLongTry{2'000}; // others do not wait for it any longer

// A file is simply opened again; an unreachable server is not contacted for every job.
bool is_away(const Refusal& why) {
  return why.cause == Cause::DATABASE_UNREACHABLE || why.cause == Cause::CHAT_STORE_IN_USE ||
      why.cause == Cause::CLUSTER_MISMATCH || why.cause == Cause::POOLER_UNSUITABLE ||
      why.cause == Cause::STORE_TIMEOUT || why.cause == Cause::STORE_READ_ONLY;
}

} // namespace

bool Reached::begin_try(MonoTime now) {
  MonoTime since = trying_since_.load();
  return (since == MonoTime::min() || now - since >= kLongTry) && trying_since_.compare_exchange_strong(since, now);
}

void Reached::end_try(MonoTime begun) { trying_since_.compare_exchange_strong(begun, MonoTime::min()); }

std::unexpected<Refusal> Connection::still_away(Millis wait) const {
  Refusal why = *away_;
  why.retry_after = wait;
  return std::unexpected(std::move(why));
}

Result<Database*> Connection::get() {
  if (database_ && !database_->check()) database_.reset();
  if (database_) return database_.get();
  const bool back = reached_ && reached_->times() != reached_before_;
  const MonoTime now = clock_.mono();
  if (away_ && !back && now < next_try_)
    return still_away(std::max(Millis{1}, std::chrono::ceil<Millis>(next_try_ - now)));
  const bool in_turn = away_ && !back && reached_;
  if (in_turn && !reached_->begin_try(now)) return still_away(kFirstWait);
  reached_before_ = reached_ ? reached_->times() : 0;
  auto opened = opener_();
  if (in_turn) reached_->end_try(now);
  if (!opened) {
    put_off(opened.error());
    return std::unexpected(std::move(opened).error());
  }
  database_ = std::move(*opened);
  ++openings_;
  away_.reset();
  wait_ = Millis{0};
  if (reached_) reached_->mark();
  return database_.get();
}

void Connection::put_off(const Refusal& why) {
  if (!is_away(why)) {
    away_.reset();
    return;
  }
  away_ = why;
  wait_ = wait_.count() == 0 ? kFirstWait : std::min(wait_ * 2, kLongestWait);
  const auto less = entropy_ == nullptr ? 0 : entropy_->below(static_cast<std::uint64_t>(wait_.count()) / 2 + 1);
  next_try_ = clock_.mono() + wait_ - Millis{static_cast<std::int64_t>(less)};
}

} // namespace foyer::store

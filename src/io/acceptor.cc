#include "io/acceptor.h"

#include <algorithm>
#include <system_error>

#include "io/event_loop.h"

namespace foyer::io {

Acceptor::Acceptor(EventLoop& loop, Handle listener, std::shared_ptr<const void> owner, AcceptFunction accept, Tag tag)
    : loop_(loop),
      listener_(listener),
      owner_(std::move(owner)),
      accept_(std::move(accept)),
      tag_(tag) {
  loop_.poller_->watch_listener(listener_, tag_);
}

Acceptor::~Acceptor() { let_go(); }

void Acceptor::rest() {
  loop_.poller_->unwatch_listener(listener_);
  loop_.arm(*this, kRest);
}

void Acceptor::on_timer() {
  if (owner_) loop_.poller_->watch_listener(listener_, tag_);
}

void Acceptor::let_go() {
  if (!owner_) return;
  if (armed())
    loop_.disarm(*this);
  else
    loop_.poller_->unwatch_listener(listener_);
  owner_.reset();
}

void Acceptor::on_ready() {
  const std::uint64_t turn = loop_.stats_.turns.value();
  if (turn == next_turn_) expected_ = std::min(expected_ * 2, kPerTurn);
  next_turn_ = turn + 1;
  for (int i = 0; i < expected_ && owner_ && !armed(); ++i)
    if (!accept_one()) {
      expected_ = std::max(1, i);
      return;
    }
}

void Acceptor::finish() {
  constexpr int kAtMost = 100'000; // a bound, since an attacker may connect as fast as we accept
  for (int i = 0; i < kAtMost && owner_ && !armed(); ++i)
    if (!accept_one()) break;
  let_go();
}

bool Acceptor::accept_one() {
  Accepted accepted = loop_.poller_->accept(listener_);
  switch (accepted.outcome) {
    case Accepted::Outcome::connection: loop_.adopt(accepted.handle, std::move(accepted.address), accept_); return true;
    case Accepted::Outcome::lost: return true;
    case Accepted::Outcome::turned_away:
      report(accepted.error);
      loop_.stats_.shed.add();
      ++shed_unreported_;
      return true;
    case Accepted::Outcome::exhausted:
      report(accepted.error);
      rest();
      return false;
    case Accepted::Outcome::nothing: break;
  }
  return false;
}

void Acceptor::report(int error) {
  if (loop_.now() < report_after_) return;
  report_after_ = loop_.now() + kLogPause;
  loop_.log_.error("accept_failed",
      "connections are being refused: the process has no file descriptor or memory left for them; raise the limit on "
      "open files",
      {{"code", code_of(Cause::CONNECTION_LIMIT)}, {"error", std::error_code(error, std::generic_category()).message()},
          {"turned_away", shed_unreported_}, {"open_connections", loop_.stats_.connections.value()}});
  shed_unreported_ = 0;
}

} // namespace foyer::io

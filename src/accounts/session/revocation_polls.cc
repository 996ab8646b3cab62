#include "accounts/session/revocation_polls.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "accounts/session/revocations.h"

namespace foyer::accounts {

RevocationPolls::RevocationPolls(
    AccountStore& store, Runners runners, const Clock& clock, Log& log, Metrics& metrics, RevocationPollPolicy policy)
    : store_(store),
      runners_(std::make_shared<const Runners>(std::move(runners))),
      clock_(clock),
      log_(log),
      policy_(policy),
      meter_(metrics, "revocation_polls", policy.max_waiting) {}

void RevocationPolls::start() {
  runners_->control.post([this] {
    look();
    runners_->control.every(policy_.poll, [this] { tick(); });
  });
}

auth::RevocationAnswer RevocationPolls::nothing_new(std::int64_t cursor) const {
  return {.stream = store_.stream(), .cursor = cursor, .events = {}, .more = false};
}

void RevocationPolls::ask(auth::RevocationRequest question, Completion<auth::RevocationAnswer> done) {
  serve({.after = question.after,
      .until = clock_.mono() + std::min(question.wait, policy_.longest_wait),
      .since = looks_,
      .beyond = false,
      .done = std::move(done)});
}

void RevocationPolls::serve(Waiting one) {
  if (failing_) return one.done(std::unexpected(*failing_));
  if (found_end_ && one.after < end_) return answer_from_store(std::move(one));
  // Another auth service on the same database may have reported events that this one has not read yet.
  const bool in_doubt = found_end_ && one.after > end_;
  if (in_doubt && one.beyond) {
    log_.warning("revocations_restart",
        "A gateway has revocations that are not in the table: the database was replaced. The gateway loads all of them "
        "again.",
        {{"cursor", one.after}, {"end", end_}});
    return one.done(auth::RevocationAnswer{.stream = store_.stream(), .cursor = 0, .events = {}, .more = true});
  }
  if (found_end_ && !in_doubt && (closed_ || one.until <= clock_.mono())) return one.done(nothing_new(one.after));
  if (waiting_.size() >= policy_.max_waiting) {
    meter_.refused();
    return one.done(std::unexpected(Refusal{.cause = Cause::BUSY,
        .evidence = fmt::format("{} gateways are waiting for revocations, which is the limit", waiting_.size()),
        .retry_after = Millis{5'000}}));
  }
  waiting_.push_back(std::move(one));
  if (in_doubt) look();
}

// Only a gateway that is behind the end queries the store itself: it was away.
void RevocationPolls::answer_from_store(Waiting one) {
  const std::int64_t after = one.after;
  store_.revocations_after(
      after, kPage, [this, runners = runners_, done = std::move(one.done)](Result<RevocationPage> page) mutable {
    runners->control.post([this, page = std::move(page), done = std::move(done)]() mutable {
      if (!page) return done(std::unexpected(std::move(page).error()));
      const bool more = page->events.size() == kPage;
      bring_to_our_time(page->events, clock_.wall());
      done(auth::RevocationAnswer{
          .stream = store_.stream(), .cursor = page->cursor, .events = std::move(page->events), .more = more});
    });
  });
}

void RevocationPolls::tick() {
  meter_.used(waiting_.size());
  look();
  const MonoTime now = clock_.mono();
  // Waiters with a doubtful cursor wait for the query in progress.
  const auto waits = [&](const Waiting& one) { return !found_end_ || one.after > end_ || one.until > now; };
  const auto first_over = std::stable_partition(waiting_.begin(), waiting_.end(), waits);
  std::vector<Waiting> over(std::make_move_iterator(first_over), std::make_move_iterator(waiting_.end()));
  waiting_.erase(first_over, waiting_.end());
  for (auto& one : over) one.done(nothing_new(one.after));
}

void RevocationPolls::look() {
  if (looking_) return;
  looking_ = true;
  ++looks_;
  const std::int64_t from = end_;
  store_.revocations_after(from, kPage, [this, runners = runners_, from](Result<RevocationPage> page) {
    runners->control.post([this, from, page = std::move(page)]() mutable { seen(from, std::move(page)); });
  });
}

void RevocationPolls::seen(std::int64_t from, Result<RevocationPage> page) {
  looking_ = false;
  if (!page) {
    failing_ = page.error();
    for (auto& one : std::exchange(waiting_, {})) one.done(std::unexpected(*failing_));
    return;
  }
  failing_.reset();
  const bool more = page->events.size() == kPage;
  bring_to_our_time(page->events, clock_.wall());
  end_ = page->cursor;
  if (!more) found_end_ = true;
  if (!found_end_) return look();
  // Most waiters have the previous end as their cursor: the rows just read are their answer.
  for (auto& one : std::exchange(waiting_, {})) {
    if (one.after == from && !page->events.empty()) {
      one.done(auth::RevocationAnswer{
          .stream = store_.stream(), .cursor = page->cursor, .events = page->events, .more = more});
      continue;
    }
    one.beyond = one.after > end_ && !more && one.since < looks_;
    serve(std::move(one));
  }
  if (more) look();
}

void RevocationPolls::close() {
  closed_ = true;
  for (auto& one : std::exchange(waiting_, {})) one.done(nothing_new(one.after));
}

} // namespace foyer::accounts

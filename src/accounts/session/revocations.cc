#include "accounts/session/revocations.h"

namespace foyer::accounts {

bool bring_to_our_time(std::vector<auth::RevocationEvent>& events, WallTime now) {
  bool other_clock = false;
  for (auto& event : events) {
    if (event.at <= now) continue;
    other_clock = other_clock || (event.kind == auth::RevocationEvent::Kind::before && event.at - now > kOtherClock);
    event.at = all_until(now);
  }
  return other_clock;
}

RevocationFeed::RevocationFeed(
    AccountStore& store, std::shared_ptr<const Runners> runners, const Clock& clock, Log& log)
    : store_(store),
      runners_(std::move(runners)),
      clock_(clock),
      log_(log) {}

void RevocationFeed::watch(OnEvents on_events, OnSynchronised synchronised) {
  auto watcher = std::make_shared<Watcher>();
  watcher->on_events = std::move(on_events);
  watcher->synchronised = std::move(synchronised);
  watchers_.push_back(watcher);
  ask(watcher);
}

void RevocationFeed::poll() {
  const auto all = watchers_;
  for (const auto& watcher : all) ask(watcher);
}

void RevocationFeed::ask(const std::shared_ptr<Watcher>& watcher) {
  if (watcher->asking) {
    watcher->again = true;
    return;
  }
  watcher->asking = true;
  watcher->again = false;
  const WallTime asked = clock_.wall();
  store_.revocations_after(
      watcher->cursor, kPage, [this, watcher, asked, runners = runners_](Result<RevocationPage> page) {
    runners->control.post(
        [this, watcher, asked, page = std::move(page)]() mutable { answer(watcher, asked, std::move(page)); });
  });
}

void RevocationFeed::answer(const std::shared_ptr<Watcher>& watcher, WallTime asked, Result<RevocationPage> page) {
  watcher->asking = false;
  if (!page) {
    if (!failing_)
      log_.error("revocations_unreadable", "The revocations cannot be read.",
          {{"code", page.error().code()}, {"evidence", page.error().evidence}});
    failing_ = true;
    return; // the next poll retries
  }
  if (failing_) log_.info("revocations_readable", "The revocations can be read again.");
  failing_ = false;
  const bool complete = page->events.size() < kPage;
  const WallTime now = clock_.wall();
  // The time of writing is known only for new rows, so only those are changed in the table.
  if (bring_to_our_time(page->events, now) && watcher->complete) {
    log_.warning("revocation_ahead",
        "A command revoked all tokens of a user up to a time ahead of this clock. The current time is used instead. "
        "Compare the clocks.",
        {{"now", rfc3339(now)}});
    store_.settle_revocations(watcher->cursor, page->cursor, all_until(now),
        [](Result<bool>) {}); // after a failure, the time is corrected at the next start
  }
  watcher->complete = watcher->complete || complete;
  watcher->cursor = page->cursor;
  if (!page->events.empty() && watcher->on_events) watcher->on_events(page->events);
  if (complete && watcher->synchronised) watcher->synchronised(asked);
  if (!complete || watcher->again) ask(watcher);
}

} // namespace foyer::accounts

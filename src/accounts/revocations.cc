#include "accounts/revocations.h"

namespace foyer::accounts {

RevocationFeed::RevocationFeed(AccountStore& store, std::shared_ptr<const Runners> runners, const Clock& clock, Log& log)
    : store_(store), runners_(std::move(runners)), clock_(clock), log_(log) {}

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
  store_.revocations_after(watcher->cursor, kPage, [this, watcher, asked, runners = runners_](Result<RevocationPage> page) {
    runners->control([this, watcher, asked, page = std::move(page)]() mutable { answer(watcher, asked, std::move(page)); });
  });
}

void RevocationFeed::answer(const std::shared_ptr<Watcher>& watcher, WallTime asked, Result<RevocationPage> page) {
  watcher->asking = false;
  if (!page) {
    if (!failing_) log_.error("revocations_unreadable", "The revocations cannot be read.", {{"code", page.error().code()}, {"evidence", page.error().evidence}});
    failing_ = true;
    return; // the next poll asks again
  }
  if (failing_) log_.info("revocations_readable", "The revocations can be read again.");
  failing_ = false;
  const bool complete = page->events.size() < kPage;
  watcher->cursor = page->cursor;
  if (!page->events.empty() && watcher->on_events) watcher->on_events(page->events);
  if (complete && watcher->synchronised) watcher->synchronised(asked);
  if (!complete || watcher->again) ask(watcher);
}

} // namespace foyer::accounts

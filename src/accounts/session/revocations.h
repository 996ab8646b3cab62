// The stream of revocations: the rows of an append-only table, read every 250 ms,
// so that rows of other processes (`foyer user disable`) count as well. Each
// watcher has its own cursor, starts with the first row, and is notified
// when it has seen every row. On the control plane's thread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "accounts/runners.h"
#include "accounts/store.h"
#include "base/clock.h"
#include "base/log.h"

namespace foyer::accounts {

// The time to pass to AccountStore::revoke_before for "all until now". Tokens carry their
// time of issue in whole seconds, so a later fraction would also revoke tokens issued
// after it in the same second. Tokens issued before it in that second are revoked by
// their session, which ends in the same transaction.
[[nodiscard]] inline WallTime all_until(WallTime now) { return std::chrono::floor<std::chrono::seconds>(now); }

// "All before" is compared with the times at which this service's clock issues tokens.
// A time ahead of that clock comes from a command under another clock, and means now:
// taken literally, it would revoke every token until then. True: there was one ahead by more than
// `kOtherClock`, of the kind `before`.
inline constexpr Millis kOtherClock = std::chrono::seconds{30};
bool bring_to_our_time(std::vector<auth::RevocationEvent>& events, WallTime now);

class RevocationFeed {
 public:
  using OnEvents = std::function<void(const std::vector<auth::RevocationEvent>&)>;
  using OnSynchronised = std::function<void(WallTime)>;

  RevocationFeed(AccountStore& store, std::shared_ptr<const Runners> runners, const Clock& clock, Log& log);
  void watch(OnEvents on_events, OnSynchronised synchronised);
  void poll(); // reads now; if a read is in progress, reads once more afterwards

 private:
  struct Watcher {
    OnEvents on_events;
    OnSynchronised synchronised;
    std::int64_t cursor = 0;
    bool asking = false;
    bool again = false;
    bool complete = false; // it has seen the whole table once: later rows are new
  };
  static constexpr std::size_t kPage = 1'000;
  void ask(const std::shared_ptr<Watcher>& watcher);
  void answer(const std::shared_ptr<Watcher>& watcher, WallTime asked, Result<RevocationPage> page);

  AccountStore& store_;
  std::shared_ptr<const Runners> runners_;
  const Clock& clock_;
  Log& log_;
  std::vector<std::shared_ptr<Watcher>> watchers_;
  bool failing_ = false;
};

} // namespace foyer::accounts

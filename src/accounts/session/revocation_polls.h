// The stream of revocations for gateways in other processes: long polls, each with
// its own cursor, that hold no thread and share one query of the table per 250 ms.
//
//   behind the table's end ──▶ answered at once, from the store
//   at its end             ──▶ waits; answered by the next events, or after its time
//   beyond its end         ──▶ the database was replaced: {cursor 0, more}, start again
//
// When the table cannot be read, all waiters get the store's code. Bounded.
// On the control plane's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "accounts/runners.h"
#include "accounts/store.h"
#include "auth/contract/messages.h"
#include "base/clock.h"
#include "base/limit_metrics.h"
#include "base/log.h"

namespace foyer::accounts {

struct RevocationPollPolicy {
  Millis poll{250};
  Millis longest_wait = auth::kLongestWait; // less if the server allows a request less time
  std::size_t max_waiting = 1'000;          // beyond: BUSY
};

class RevocationPolls {
 public:
  RevocationPolls(AccountStore& store, Runners runners, const Clock& clock, Log& log, Metrics& metrics,
      RevocationPollPolicy policy = {});

  void start(); // once, from any thread
  // BUSY; the store's causes.
  void ask(auth::RevocationRequest question, Completion<auth::RevocationAnswer> done);
  // Answers all waiters and accepts no new ones: the process ends.
  void close();
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  static constexpr std::size_t kPage = 1'000;
  struct Waiting {
    std::int64_t after = 0;
    MonoTime until{};
    std::uint64_t since = 0; // number of queries started before it came
    bool beyond = false;     // a query started after it came did not find its cursor
    Completion<auth::RevocationAnswer> done;
  };
  void tick();
  void look();
  void seen(std::int64_t from, Result<RevocationPage> page);
  void serve(Waiting one);
  void answer_from_store(Waiting one);
  [[nodiscard]] auth::RevocationAnswer nothing_new(std::int64_t cursor) const;

  AccountStore& store_;
  const std::shared_ptr<const Runners> runners_;
  const Clock& clock_;
  Log& log_;
  const RevocationPollPolicy policy_;

  std::int64_t end_ = 0;   // the newest event seen
  bool found_end_ = false; // the table has been read to its end once
  bool looking_ = false;
  std::uint64_t looks_ = 0; // queries started
  bool closed_ = false;
  std::optional<Refusal> failing_ = {};
  std::vector<Waiting> waiting_;
  LimitMeter meter_;
};

} // namespace foyer::accounts

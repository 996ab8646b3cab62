// The connections of users over several nodes, for the limit of each user (UserConnections). A node reports a user once
// it has its share of the limit: limit / nodes, rounded up. If no node has that many, the limit is not reached, so most
// users are never reported. Once one node reports a user, all nodes do whose connections belong to it, with every
// change and again now and then. A report that is not repeated ends: what a dead node said is forgotten after
// kReportLife.
//
// So it is exact but for what is on its way: connections that are opened at several nodes at the same moment, while the
// last ones below the limit are left, may all be admitted.
//
// The owner sends what take() returns to the other nodes, and passes on what they send, to heard(). Thread safe; time
// is passed in. No lock is held while `count` is called.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "admission/limits.h"
#include "base/clock.h"
#include "base/ids.h"

namespace foyer::admission {

struct UserReport {
  UserId user;
  std::uint32_t open = 0;
};

class UsersElsewhere final : public OtherConnections {
 public:
  static constexpr int kRepeatTicks = 3;             // between two reports of what has not changed
  static constexpr int kReportTicks = 10;            // for so long a report holds
  static constexpr std::size_t kMostUsers = 200'000; // with reports of other nodes; of more, none is noted

  // `wake`: there is something to take(); on any thread, perhaps under a lock.
  UsersElsewhere(std::uint32_t limit, Millis tick, const Clock& clock, std::function<void()> wake)
      : limit_(limit),
        tick_(tick),
        clock_(clock),
        wake_(std::move(wake)) {}

  // OtherConnections
  [[nodiscard]] std::uint32_t open(const UserId& user) override;
  void changed(const UserId& user, std::uint32_t here) override;

  // What the others have to know now. `own` outlives the call.
  [[nodiscard]] std::vector<UserReport> take(const UserConnections& own);
  void heard(const std::string& node, const std::vector<UserReport>& reports);
  // Now and then, more often than kRepeatTicks: repeats reports, forgets those of nodes that do not repeat theirs.
  void tick(std::size_t nodes, const UserConnections& own);

 private:
  struct Report {
    std::string node;
    std::uint32_t open = 0;
    MonoTime until{};
  };
  [[nodiscard]] std::uint32_t share() const { return static_cast<std::uint32_t>((limit_ + nodes_ - 1) / nodes_); }

  const std::uint32_t limit_;
  const Millis tick_;
  const Clock& clock_;
  const std::function<void()> wake_;
  std::mutex mutex_;
  std::size_t nodes_ = 1;
  std::unordered_map<UserId, std::vector<Report>> others_;
  std::set<UserId> reported_; // by this node: the others rely on further reports
  std::set<UserId> due_;      // to be reported
  MonoTime repeat_{};
};

} // namespace foyer::admission

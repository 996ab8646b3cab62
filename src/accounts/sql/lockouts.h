// Failed guesses as rows of PostgreSQL: guesses at any of the auth services on it count together, and a lock holds at
// all of them. Times are those of the server's clock. An attempt of a process that died counts as in progress for a
// minute. The end of one that could not be written is written before the next attempt begins.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "accounts/guard/lockouts.h"
#include "base/clock.h"
#include "base/executor.h"
#include "store/writer.h"

namespace foyer::accounts {

// Deletes what has no effect any more, and of each kind the pairs unused longest beyond LockoutPolicy::max_pairs.
class LockoutSweep {
 public:
  // `clock`: in place of the server's, for tests.
  explicit LockoutSweep(LockoutPolicies policies, const Clock* clock = nullptr) : policies_(policies), clock_(clock) {}
  // Upkeep of the writer; true: there is more.
  [[nodiscard]] Result<bool> step(store::Database& db);
  [[nodiscard]] std::size_t left(GuessKind kind) const { return left_[static_cast<std::size_t>(kind)].load(); }

 private:
  const LockoutPolicies policies_;
  const Clock* const clock_;
  std::array<std::atomic<std::size_t>, 2> left_{}; // by kind
};

// Attempts of this process that have ended while the database was away. Any thread.
class UnwrittenEnds {
 public:
  struct End {
    GuessKind kind{};
    std::string pair;
    GuessEnd how{};
    MonoTime until{}; // then the attempt counts no more
  };
  void add(End end); // beyond a limit it is forgotten, and counts for its minute
  [[nodiscard]] std::vector<End> take(MonoTime now);

 private:
  std::mutex mutex_;
  std::vector<End> ends_;
};

class SqlLockouts final : public Lockouts {
 public:
  // The writer's schema is that of the accounts, at READ COMMITTED. It and the executor outlive this. Answers are
  // posted to `control`.
  SqlLockouts(store::Writer& writer, LockoutPolicies policies, std::shared_ptr<const LockoutSweep> sweep,
      Executor& control, const Clock* clock = nullptr)
      : writer_(writer),
        policies_(policies),
        sweep_(std::move(sweep)),
        control_(control),
        clock_(clock) {}

  // Any thread.
  void begin(GuessKey key, Completion<bool> done) override;
  void end(GuessKey key, GuessEnd how, Completion<bool> done) override;
  void forgive(GuessKey key) override;
  [[nodiscard]] std::size_t size(GuessKind kind) const override { return sweep_->left(kind); } // after the last sweep

 private:
  struct Row;
  using Change = std::function<Result<void>(Row&)>;
  void change(GuessKind kind, const std::string& pair, Change change, Completion<bool> done);
  void write(UnwrittenEnds::End end, Completion<bool> done);
  [[nodiscard]] Completion<bool> on_control(Completion<bool> done);
  [[nodiscard]] MonoTime mono() const;

  store::Writer& writer_;
  const LockoutPolicies policies_;
  const std::shared_ptr<const LockoutSweep> sweep_;
  Executor& control_;
  const Clock* const clock_;
  UnwrittenEnds unwritten_;
};

} // namespace foyer::accounts

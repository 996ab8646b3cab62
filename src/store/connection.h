// A connection that reconnects: opened when it is needed, and again after it was
// lost. While the database cannot be reached the tries are 100 ms apart, doubling to
// 2 s, minus a random part of up to half so that many processes do not retry at once;
// a request in between fails at once with the reason. Of several connections one tries
// at a time, since a server that has just started is slow to take many at once, and the
// first that reaches it ends the waits of the others.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "store/database.h"

namespace foyer::store {

// How often a server was reached by the connections that share it. Any thread.
class Reached {
 public:
  void mark() { times_.fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t times() const { return times_.load(std::memory_order_relaxed); }

  // For a connection whose last try failed. False: another one is trying, and has not been for long.
  [[nodiscard]] bool begin_try(MonoTime now);
  void end_try(MonoTime begun);

 private:
  std::atomic<std::uint64_t> times_{0};
  std::atomic<MonoTime> trying_since_{MonoTime::min()}; // min(): nobody is
};

class Connection {
 public:
  // `entropy` may be null: the waits are then exact. `reached` may be null: it waits for itself only. The others must
  // outlive it.
  Connection(Opener opener, const Clock& clock, Entropy* entropy, std::shared_ptr<Reached> reached = nullptr)
      : opener_(std::move(opener)),
        clock_(clock),
        entropy_(entropy),
        reached_(std::move(reached)) {}

  // The causes of the opener; between tries the last of them, with the time until the next try.
  [[nodiscard]] Result<Database*> get();
  [[nodiscard]] Database* now() const { return database_.get(); } // null: not open
  // How often it was opened. Another number means another session, even if the database has the same address.
  [[nodiscard]] std::uint64_t openings() const { return openings_; }
  void drop() { database_.reset(); }

 private:
  void put_off(const Refusal& why);
  [[nodiscard]] std::unexpected<Refusal> still_away(Millis wait) const;

  const Opener opener_;
  const Clock& clock_;
  Entropy* entropy_;
  std::shared_ptr<Reached> reached_;
  std::unique_ptr<Database> database_;
  std::uint64_t openings_ = 0;
  std::optional<Refusal> away_; // set while tries are delayed
  MonoTime next_try_{};
  std::uint64_t reached_before_ = 0; // when the last try failed
  Millis wait_{0};
};

} // namespace foyer::store

// What only one of several gateways does: it sends webhooks, and deletes what is over. Which one is decided by a lease
// with a term (lease_rows.h), which the writer asks for again and again.
//
//   duty.ask(writer, [] { … });  // now and then
//   TRY(ours, duty.check(db));   // in the transaction of a write that is for the holder alone
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "engine/sql/lease_rows.h"
#include "store/writer.h"

namespace foyer::engine {

inline constexpr Millis kDutyLife{10'000};
inline constexpr std::string_view kDutyKind = "duty";
inline constexpr std::string_view kDutyName = "chat";

// A holder is one start of a process, so that it is never taken for an earlier one with its name.
[[nodiscard]] inline std::string duty_holder(const std::string& node, Entropy& entropy) {
  return node + "/" + entropy.short_id();
}

class Duty {
 public:
  // `life` 0: there is one gateway, and the duty is its own.
  Duty(std::string holder, Millis life, const Clock& clock) : holder_(std::move(holder)), life_(life), clock_(clock) {}

  [[nodiscard]] bool shared() const { return life_.count() > 0; }
  [[nodiscard]] Millis renew_every() const { return life_ / 3; }
  // Any thread. False from the moment on at which another one may have it.
  [[nodiscard]] bool ours() const { return !shared() || clock_.mono() < until_.load(std::memory_order_relaxed); }
  // Asks for it, or renews it. `began`: the duty is ours now, and was not before; on the writer's thread.
  void ask(store::Writer& writer, std::function<void()> began) {
    writer.submit<Lease>([this](store::Database& db) {
      asked_at_ = clock_.mono();
      return grant_lease(db, {.key = key(), .holder = holder_, .life = life_});
    }, [this, began = std::move(began)](Result<Lease> lease) {
      if (lease && answered(*lease)) began();
    });
  }
  // On the writer's thread. True: nobody else has the duty before this transaction ends.
  [[nodiscard]] Result<bool> check(store::Database& db) const {
    if (!shared()) return true;
    if (!ours()) return false;
    return holds_lease(db, key(), holder_, term_);
  }
  // The last write of the process: another one need not wait until the lease lapses.
  [[nodiscard]] Result<bool> end(store::Database& db) {
    if (!ours()) return false;
    until_.store(MonoTime{}, std::memory_order_relaxed);
    return end_lease(db, key(), holder_, term_);
  }

 private:
  // And committed.
  [[nodiscard]] bool answered(const Lease& lease) {
    const bool before = ours();
    const bool granted = lease.holder == holder_;
    if (granted) term_ = lease.term;
    until_.store(granted ? asked_at_ + life_ : MonoTime{}, std::memory_order_relaxed);
    return granted && !before;
  }
  static SharedKey key() { return {.kind = std::string(kDutyKind), .name = std::string(kDutyName)}; }

  const std::string holder_;
  const Millis life_;
  const Clock& clock_;
  std::uint64_t term_ = 0; // used by the writer's thread
  MonoTime asked_at_{};    // likewise
  std::atomic<MonoTime> until_{MonoTime{}};
};

} // namespace foyer::engine

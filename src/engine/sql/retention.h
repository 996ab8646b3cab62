// How much of a room's past is visible, and the sweep that deletes from disk what the queries (reads.h) already hide.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/refusal.h"
#include "engine/sql/call_log.h"
#include "engine/sql/policy.h"
#include "engine/values.h"
#include "store/age_gate.h"
#include "store/database.h"

namespace foyer::engine {

// The visible part of a room's past: the newest `messages`, none older than `days`.
struct Retention {
  std::uint64_t days = 0;                     // 0: no such bound
  std::optional<std::uint64_t> messages = {}; // nullopt: no such bound
  [[nodiscard]] bool none() const { return days == 0 && !messages; }
  [[nodiscard]] WallTime oldest(WallTime now) const; // shown if not before this
  [[nodiscard]] Offset below(Offset last) const;     // shown if above this
};

// The retention of each room, by its name: that of its rule (RoomRules), otherwise the one of all rooms.
class RetentionRules {
 public:
  RetentionRules() = default;
  explicit RetentionRules(const StorePolicy& policy);
  explicit RetentionRules(const Retention& of_all) : of_all_(of_all) {}
  [[nodiscard]] Retention of(std::string_view room) const;
  [[nodiscard]] bool none() const; // no room has a bound

 private:
  Retention of_all_;
  RoomRules rules_;
};

// Deletes messages that retention hides, the rows of deleted rooms, ended blocks and revocations, and old idempotency
// records: a bounded number of rows at a time. Messages younger than kKeyLife stay, hidden, since their keys still
// count.
class Sweep {
 public:
  // `calls`: of messages; null: there is no such log. `many`: other processes write, too.
  Sweep(RetentionRules retention, const Clock& clock, store::AgeGate& gate, CallLog* calls, bool many)
      : retention_(std::move(retention)),
        clock_(clock),
        gate_(gate),
        message_calls_(calls),
        many_(many) {}
  // One step, inside a transaction of the writer; true: the round is not finished. Without `by_age` (the clock is in
  // doubt) only deleted rooms and surplus idempotency records are swept: every other row must have reached an age, also
  // a message that is hidden by its number.
  [[nodiscard]] Result<bool> step(store::Database& db, bool by_age);

 private:
  [[nodiscard]] Result<std::int64_t> sweep_gone(store::Database& db);
  [[nodiscard]] Result<std::int64_t> sweep_ended(store::Database& db);
  [[nodiscard]] Result<std::int64_t> sweep_calls(store::Database& db);
  [[nodiscard]] Result<std::int64_t> sweep_room(
      store::Database& db, std::int64_t room, Offset last, const Retention& retention);

  const RetentionRules retention_;
  const Clock& clock_;
  store::AgeGate& gate_;
  CallLog* const message_calls_;
  const bool many_;
  std::int64_t after_ = 0; // rooms up to this id are done in this round
};

} // namespace foyer::engine

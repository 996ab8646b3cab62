// The check before each deletion by age in a store: reads the clocks, consults the guard
// (age_guard.h), starts a round of upkeep every hour, records in the database up to
// when the clock was trusted, and logs its findings and what is deleted.
//
//   TRY(turn, gate.turn(db));                 // in the writer's transaction
//   if (!turn.round) return false;
//   if (turn.by_age) … gate.deleting({…}); … gate.deleted(rows); …
//   if (!more) gate.round_is_over();
#pragma once

#include <atomic>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "store/age_guard.h"
#include "store/database.h"

namespace foyer::store {

// How a store keeps its times. Program text.
struct AgeQueries {
  std::string_view believed; // one row: milliseconds as text; none: unknown
  std::string_view believe;  // writes it: one parameter
  std::string_view newest;   // one row: the newest time of any row, or null
};

// For an operator; see `foyer upkeep`.
struct UpkeepState {
  std::string store;
  ClockDoubt doubt = ClockDoubt::none; // none: deletion by age continues
  Millis off{0};
  WallTime reference{};
  Millis left{0};
};

class AgeGate {
 public:
  static constexpr Millis kRoundEvery = std::chrono::hours{1};
  static constexpr Millis kLookEvery = std::chrono::seconds{10}; // for the writer: how often it calls turn()

  // `compares_server`: also with the clock of the database server, if there is one.
  AgeGate(std::string store, AgeQueries queries, const Clock& clock, Log& log, bool compares_server = true);

  struct Turn {
    bool round = false;  // a round of upkeep is in progress
    bool by_age = false; // rows past their age limit may be deleted
  };
  // The writer's thread, inside its transaction.
  [[nodiscard]] Result<Turn> turn(Database& db);
  void deleting(std::initializer_list<Field> what); // before the first deletion of a round; later calls have no effect
  void deleted(std::int64_t rows);
  void round_is_over();

  // Any thread.
  void ask_round() { round_asked_.store(true); } // the next turn starts one
  void believe() { believed_.store(true); }      // an operator confirms the clock
  [[nodiscard]] bool open() const { return open_.load(); }
  [[nodiscard]] UpkeepState state() const;

 private:
  [[nodiscard]] Result<AgeGuard::Reading> read(Database& db) const;
  [[nodiscard]] Result<void> begin(Database& db, const AgeGuard::Reading& now);
  [[nodiscard]] Result<void> keep(Database& db, WallTime believed);
  void report() const;

  const std::string store_;
  const AgeQueries queries_;
  const Clock& clock_;
  Log& log_;
  const bool compares_server_;

  AgeGuard guard_; // the writer's thread changes it, under the mutex
  mutable std::mutex mutex_;
  MonoTime next_round_{};
  bool in_round_ = false;
  bool logged_deletion_ = false;
  std::int64_t rows_ = 0;
  std::optional<WallTime> kept_;
  std::atomic<bool> round_asked_{false};
  std::atomic<bool> believed_{false};
  std::atomic<bool> open_{false};
};

} // namespace foyer::store

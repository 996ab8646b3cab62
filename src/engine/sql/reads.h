// The queries of the chat store, as jobs of its reader, and the sweep that
// deletes from disk what the queries already hide.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/sql/policy.h"
#include "engine/values.h"
#include "store/age_gate.h"
#include "store/database.h"

namespace foyer::engine {

// The visible part of a room's past: the newest `messages`, none older than `days`.
struct Retention {
  std::uint64_t days = 0;                     // 0: no such bound
  std::optional<std::uint64_t> messages = {}; // nothing: no such bound
  [[nodiscard]] bool none() const { return days == 0 && !messages; }
  [[nodiscard]] WallTime oldest(WallTime now) const; // shown if not before this
  [[nodiscard]] Offset below(Offset last) const;     // shown if above this
};

// That of each room, by its name: as its rule says, otherwise as for all.
class RetentionRules {
 public:
  RetentionRules() = default;
  explicit RetentionRules(const StorePolicy& policy);
  explicit RetentionRules(const Retention& of_all) : of_all_(of_all) {}
  [[nodiscard]] Retention of(std::string_view room) const;
  [[nodiscard]] bool none() const; // in no room

 private:
  Retention of_all_;
  RoomRules rules_;
};

// Both of these refuse a database that does not show at least the barrier with DATABASE_UNREACHABLE (continuity.h).
// Nothing: no room has that name. NOT_A_MEMBER as in RoomDirectory::open.
[[nodiscard]] Result<std::optional<RoomRow>> read_room(
    store::Database& db, const RoomName& room, const UserId& by, std::uint64_t barrier = 0);
// For a room that does not exist: an empty page.
[[nodiscard]] Result<HistoryPage> read_history(store::Database& db, const HistoryRequest& question,
    const RetentionRules& rules, WallTime now, std::uint64_t barrier = 0);
[[nodiscard]] Result<RoomsPage> read_rooms_of(
    store::Database& db, const RoomsRequest& question, const RoomRules& rules);
[[nodiscard]] Result<RoomNames> read_written_by(
    store::Database& db, const UserId& user, const RoomName& after, std::uint32_t limit);
[[nodiscard]] Result<RoomsPage> read_all_rooms(store::Database& db, const RoomName& after, std::uint32_t limit);
[[nodiscard]] Result<InvitationPage> read_invitations(store::Database& db, const UserId& user, WallTime now);
[[nodiscard]] Result<std::optional<Author>> read_person(store::Database& db, const UserId& id);
[[nodiscard]] Result<std::optional<Author>> read_person_by_name(store::Database& db, const std::string& name);

// Deletes rows that retention hides, rows of deleted rooms, and blocks and revocations that end nothing any more, a
// bounded number of rows at a time. Messages younger than kKeyLife stay, hidden, since their keys are still remembered.
class Sweep {
 public:
  Sweep(RetentionRules retention, const Clock& clock, store::AgeGate& gate)
      : retention_(std::move(retention)),
        clock_(clock),
        gate_(gate) {}
  // One step, inside a transaction of the writer; true: the round is not finished. Without `by_age`
  // only deleted rooms are swept: rows hidden by their number also stay for their age.
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
  std::int64_t after_ = 0; // rooms up to this id are done in this round
};

} // namespace foyer::engine

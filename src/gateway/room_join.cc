// What a join is answered with. `recovered:true` is said only of what the store has
// confirmed for this very question.
#include <algorithm>

#include "gateway/room.h"
#include "hub/recovery.h"

namespace foyer::gateway {
namespace {

constexpr int kTries = 3; // while the room turns out to stand elsewhere than it was known to

} // namespace

struct RoomOwners::JoinPlan {
  hub::Recovery recovery;
  Epoch epoch;
  bool in_epoch = false; // the client's position is of it
};

void RoomOwners::read_for_join(JoinQuestion question, Room& room, int tries) {
  std::optional<hub::Position> since;
  if (question.since) since = hub::Position{question.since->epoch, question.since->offset};
  JoinPlan plan{.recovery = hub::plan_recovery({room.epoch.view(), room.offset}, since, std::min(question.limit, policy_.history_limit)), .epoch = room.epoch};
  plan.in_epoch = since && since->epoch == room.epoch.view();
  rooms::HistoryQuestion ask{.room = room.name, .up_to = plan.recovery.up_to};
  if (plan.recovery.possible) ask.after = plan.recovery.after, ask.limit = static_cast<std::uint32_t>(hub::kRecoverable);
  else ask.limit = plan.recovery.newest;
  if (plan.in_epoch) ask.time_of = since->offset;
  const bool nothing_to_read = plan.recovery.up_to == 0 || (plan.recovery.possible ? plan.recovery.after == plan.recovery.up_to : plan.recovery.newest == 0);
  if (room.ephemeral) {
    rooms::HistoryPage page{.messages = {}, .more = !plan.recovery.possible && plan.recovery.up_to > 0};
    if (!nothing_to_read) page = room.ephemeral->history(ask);
    const bool whole = plan.recovery.possible && page.messages.size() == plan.recovery.up_to - plan.recovery.after;
    return joined(question, room, plan.recovery.up_to, whole, page);
  }
  // A position of this epoch is confirmed even where there is nothing to read.
  if (nothing_to_read && !plan.in_epoch) return joined(question, room, plan.recovery.up_to, false, {.messages = {}, .more = plan.recovery.up_to > 0});
  store_->history(ask, on_loop<rooms::HistoryPage>(room, [this, question = std::move(question), plan = std::move(plan), tries](Room& r, Result<rooms::HistoryPage> page) mutable {
    if (!page) return join_failed(question, &r, std::move(page).error());
    answer_join(std::move(question), r, plan, std::move(*page), tries);
  }));
}

void RoomOwners::answer_join(JoinQuestion question, Room& room, const JoinPlan& plan, rooms::HistoryPage page, int tries) {
  const auto again = [&] {
    if (tries == kTries) return join_failed(question, &room, {.cause = Cause::BUSY, .evidence = "the room's history is being confirmed", .retry_after = Millis{1'000}});
    room.waiting.push_back([this, question = std::move(question), tries](Result<Room*> opened) mutable {
      if (opened) return read_for_join(std::move(question), **opened, tries + 1);
      Room* here = find(question.room);
      join_failed(question, here, std::move(opened).error());
    });
    confirm(room);
  };
  if (room.unconfirmed || room.epoch != plan.epoch) return again();
  if (page.epoch != room.epoch || page.head < plan.recovery.up_to) return again(); // it went back
  // The right to read may have ended while the store was asked.
  if (auto refusal = check(room, question.speaker, rooms::Act::read)) return join_failed(question, &room, std::move(*refusal));
  const hub::Proof proof = plan.in_epoch ? hub::judge_position({.offset = question.since->offset, .time = question.since->time}, {.head = page.head, .time = page.time_of, .doubted = room.doubted})
                                         : hub::Proof::none;
  if (proof == hub::Proof::contradicts && !room.doubted) {
    // Another history may have been here: what is known beyond the head proves nothing from now on.
    room.doubted = page.head;
    store_->doubt(room.name, room.epoch, page.head, on_loop<Offset>(room, [this, question = std::move(question), tries](Room& r, Result<Offset> kept) mutable {
      if (kept) r.doubted = *kept;
      read_newest_for_join(std::move(question), r, tries);
    }));
    return;
  }
  if (plan.recovery.possible && proof != hub::Proof::good) return read_newest_for_join(std::move(question), room, tries);
  // Retention may have taken some of what was missed: then it is not a recovery.
  const bool whole = plan.recovery.possible && page.messages.size() == plan.recovery.up_to - plan.recovery.after;
  if (!whole && (plan.recovery.possible || (plan.recovery.newest == 0 && plan.recovery.up_to > 0))) page.more = true;
  joined(question, room, plan.recovery.up_to, whole, page);
}

// As if the client had shown no position.
void RoomOwners::read_newest_for_join(JoinQuestion question, Room& room, int tries) {
  question.since.reset();
  read_for_join(std::move(question), room, tries);
}

} // namespace foyer::gateway

// What a join is answered with. `recovered:true` is said only of what the store has
// confirmed for this very question.
#include <algorithm>

#include "gateway/room.h"
#include "rooms/model/recovery.h"

namespace foyer::gateway {
namespace {

constexpr int kTries = 3; // while the room turns out to stand elsewhere than it was known to

} // namespace

struct RoomOwners::JoinPlan {
  rooms::Recovery recovery;
  Epoch epoch;
  bool in_epoch = false; // the client's position is of it
};

void RoomOwners::read_for_join(JoinRequest question, Room& room, int tries) {
  std::optional<rooms::Position> since;
  if (question.since) since = rooms::Position{question.since->epoch, question.since->offset};
  JoinPlan plan{.recovery = rooms::plan_recovery({room.epoch().view(), room.offset()}, since,
                    std::min(question.limit, policy_.history_limit),
                    question.speaker.terms.features.has(protocol::Feature::pages)),
      .epoch = room.epoch()};
  plan.in_epoch = since && since->epoch == room.epoch().view();
  const bool changes = question.speaker.terms.features.has(protocol::Feature::changes);
  if (changes && since && !question.since->change)
    plan.recovery.possible = false; // it does not know what it has missed
  rooms::HistoryRequest ask{.room = room.name,
      .by = question.speaker.user,
      .up_to = plan.recovery.up_to,
      .bytes = question.speaker.terms.answer_bytes()};
  if (plan.recovery.possible)
    ask.after = plan.recovery.after, ask.limit = static_cast<std::uint32_t>(rooms::kRecoverable);
  else
    ask.limit = plan.recovery.newest;
  if (plan.in_epoch) ask.time_of = since->offset;
  if (changes) ask.changes_after = question.since && question.since->change ? *question.since->change : room.change;
  const bool nothing_to_read = plan.recovery.up_to == 0 ||
      (plan.recovery.possible ? plan.recovery.after == plan.recovery.up_to : plan.recovery.newest == 0);
  if (room.ephemeral) {
    const auto page = room.ephemeral->history(ask);
    return finish_join(std::move(question), room, plan.recovery, page, tries);
  }
  // A position of this epoch is confirmed even where there is nothing to read.
  if (nothing_to_read && !plan.in_epoch)
    return finish_join(std::move(question), room, plan.recovery,
        {.messages = {}, .more = plan.recovery.up_to > 0, .change = room.change}, tries);
  log_->history(ask,
      on_loop<rooms::HistoryPage>(room,
          [this, question = std::move(question), plan = std::move(plan), tries](
              Room& r, Result<rooms::HistoryPage> page) mutable {
    if (!page) return join_failed(question, &r, std::move(page).error());
    answer_join(std::move(question), r, plan, std::move(*page), tries);
  }));
}

void RoomOwners::answer_join(
    JoinRequest question, Room& room, const JoinPlan& plan, rooms::HistoryPage page, int tries) {
  const auto again = [&] {
    if (tries == kTries)
      return join_failed(question, &room,
          {.cause = Cause::BUSY, .evidence = "the room's history is being confirmed", .retry_after = Millis{1'000}});
    room.waiting.push_back([this, question = std::move(question), tries](Result<Room*> opened) mutable {
      if (opened) return read_for_join(std::move(question), **opened, tries + 1);
      Room* here = find(question.room);
      join_failed(question, here, std::move(opened).error());
    });
    confirm(room);
  };
  if (room.unconfirmed || room.epoch() != plan.epoch) return again();
  if (page.epoch != room.epoch() || page.head < plan.recovery.up_to) return again(); // it went back
  // The right to read may have ended while the store was asked.
  if (auto refusal = check(room, question.speaker, rooms::Act::read))
    return join_failed(question, &room, std::move(*refusal));
  const rooms::Proof proof = plan.in_epoch
      ? rooms::judge_position({.offset = question.since->offset, .time = question.since->time},
            {.head = page.head, .time = page.time_of, .doubted = room.doubted})
      : rooms::Proof::none;
  if (proof == rooms::Proof::contradicts && !room.doubted) {
    // Another history may have been here: what is known beyond the head proves nothing from now on.
    room.doubted = page.head;
    log_->doubt(room.name, room.epoch(), page.head,
        on_loop<Offset>(room, [this, question = std::move(question), tries](Room& r, Result<Offset> kept) mutable {
      if (kept) r.doubted = *kept;
      read_newest_for_join(std::move(question), r, tries);
    }));
    return;
  }
  if (plan.recovery.possible && proof != rooms::Proof::good)
    return read_newest_for_join(std::move(question), room, tries);
  if (!plan.recovery.possible && plan.recovery.newest == 0 && plan.recovery.up_to > 0) page.more = true;
  apply_fresh(room, page);
  finish_join(std::move(question), room, plan.recovery, page, tries);
}

// As much of the page as one answer holds.
void RoomOwners::finish_join(
    JoinRequest question, Room& room, const rooms::Recovery& recovery, const rooms::HistoryPage& page, int tries) {
  const protocol::ClientTerms& terms = question.speaker.terms;
  const auto keep = recovery.possible ? protocol::Keep::oldest : protocol::Keep::newest;
  JoinedPage part{.up_to = recovery.up_to, .time = recovery.up_to == room.offset() ? room.time : WallTime{}};
  if (!page.messages.empty() && page.messages.back().offset == recovery.up_to) part.time = page.messages.back().time;
  bool possible = recovery.possible;
  if (terms.features.has(protocol::Feature::changes)) {
    part.change = page.change;
    std::vector<protocol::ChangeView> changes;
    for (const rooms::Change& change : page.changes) changes.push_back(view(change));
    if (possible) part.changes = protocol::change_list(changes);
    possible = possible && page.changes_whole && part.changes.size() <= terms.answer_bytes() / 4;
  }
  if (recovery.possible && !possible) return read_newest_for_join(std::move(question), room, tries);
  const auto members = room.presence.members(policy_.members_shown);
  const std::size_t beside = protocol::member_bytes(shown(members, terms)) + part.changes.size();
  part.messages = protocol::fit_messages(
      room.name.view(), room.epoch().view(), views(page.messages), keep, bytes_for_messages(terms, beside));
  if (!possible) {
    part.more = page.more || !part.messages.all;
    return joined(question, room, part);
  }
  // Retention may have taken some of what was missed: then it is not a recovery.
  const Offset last = page.messages.empty() ? recovery.after : page.messages.back().offset;
  const bool gapless =
      last - recovery.after == page.messages.size() && (last == recovery.up_to || last > recovery.after);
  const bool whole = gapless && part.messages.all && last == recovery.up_to;
  if (!whole && !(gapless && terms.features.has(protocol::Feature::pages)))
    return read_newest_for_join(std::move(question), room, tries);
  part.recovered = true;
  part.more = !whole;
  joined(question, room, part);
}

// As if the client had shown no position.
void RoomOwners::read_newest_for_join(JoinRequest question, Room& room, int tries) {
  question.since.reset();
  read_for_join(std::move(question), room, tries);
}

} // namespace foyer::gateway

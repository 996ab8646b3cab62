// The answer to a join. `recovered:true` is sent only if the store has confirmed it for this request.
#include <algorithm>

#include "rooms/model/recovery.h"
#include "rooms/room.h"

namespace foyer::rooms {
namespace {

constexpr int kTries = 3; // reads, while the room's position turns out to be different from the known one

} // namespace

struct RoomHome::JoinPlan {
  Recovery recovery;
  Epoch epoch;
  bool in_epoch = false; // the client's position is in the room's epoch
};

void RoomHome::join(Actor actor, JoinRequest request, Completion<Joined> done) {
  const RoomName name = request.room;
  in_room(name, actor, Act::read, Load::made, std::move(done),
      [this, request = std::move(request)](Room& room, Actor by, Completion<Joined> answer) mutable {
    Joining joining{.actor = std::move(by), .request = std::move(request), .done = std::move(answer)};
    if (joining.request.again) return list_for_join(std::move(joining), room);
    // The position is read once the listener gets events, so that none falls in between.
    const ListenerId listener = joining.request.listener;
    listen(room, listener, [this, &room, joining = std::move(joining)](Result<bool> listening) mutable {
      if (!listening) {
        listen_no_more(room, joining.request.listener);
        return joining.done(std::unexpected(std::move(listening).error()));
      }
      member_came(room, joining.actor);
      when_current(room, [this, joining = std::move(joining)](Result<Room*> current) mutable {
        if (current) return list_for_join(std::move(joining), **current);
        Room* here = find(joining.request.room);
        join_failed(joining, here, std::move(current).error());
      });
    });
  });
}

// With several nodes the members are listed first, and nothing is read after the history. Without an answer of the
// store, nobody but the joining user is known to be there.
void RoomHome::list_for_join(Joining joining, Room& room) {
  if (!outlets_.between || !room.settings.presence) return read_for_join(std::move(joining), room, 1);
  const AnswerLimit limit = joining.request.answer;
  shown_members(
      room, limit, [this, joining = std::move(joining)](Room& r, Result<engine::PresentMembers> present) mutable {
    if (!present)
      present = engine::PresentMembers{
          .members = {{joining.actor.user, joining.actor.name}}, .count = std::max<std::size_t>(1, r.presence.count())};
    joining.present = std::move(*present);
    read_for_join(std::move(joining), r, 1);
  });
}

void RoomHome::join_failed(Joining& joining, Room* room, Refusal refusal) {
  if (room != nullptr && !joining.request.again) {
    listen_no_more(*room, joining.request.listener);
    room->presence.depart(joining.actor.user, loop_.now());
  }
  joining.done(std::unexpected(std::move(refusal)));
}

void RoomHome::read_for_join(Joining joining, Room& room, int tries) {
  const JoinRequest& request = joining.request;
  std::optional<Position> since;
  if (request.since) since = Position{request.since->epoch.view(), request.since->offset};
  JoinPlan plan{.recovery = plan_recovery({room.epoch().view(), room.offset()}, since,
                    std::min(request.limit, policy_.history_limit), request.pages),
      .epoch = room.epoch()};
  plan.in_epoch = since && since->epoch == room.epoch().view();
  if (request.changes && since && !request.since->change)
    plan.recovery.possible = false; // a history without messages cannot show what was missed
  HistoryRequest read{
      .room = room.name, .by = joining.actor.user, .up_to = plan.recovery.up_to, .bytes = request.answer.bytes};
  if (plan.recovery.possible)
    read.after = plan.recovery.after, read.limit = static_cast<std::uint32_t>(kRecoverable);
  else
    read.limit = plan.recovery.newest;
  if (plan.in_epoch) read.time_of = since->offset;
  if (request.changes)
    read.changes_after = request.since && request.since->change ? *request.since->change : room.change;
  const bool nothing_to_read = plan.recovery.up_to == 0 ||
      (plan.recovery.possible ? plan.recovery.after == plan.recovery.up_to : plan.recovery.newest == 0);
  // A client's position in this epoch is checked with the store even if there is nothing to read.
  if (nothing_to_read && !plan.in_epoch)
    return finish_join(std::move(joining), room, plan.recovery,
        {.messages = {}, .more = plan.recovery.up_to > 0 && room.settings.keeps_history(), .change = room.change},
        tries);
  room.log->history(std::move(read),
      from_log<HistoryPage>(room,
          [this, joining = std::move(joining), plan = std::move(plan), tries](
              Room& r, Result<HistoryPage> page) mutable {
    if (!page) return join_failed(joining, &r, std::move(page).error());
    answer_join(std::move(joining), r, plan, std::move(*page), tries);
  }));
}

void RoomHome::answer_join(Joining joining, Room& room, const JoinPlan& plan, HistoryPage page, int tries) {
  const auto again = [&] {
    if (tries == kTries)
      return join_failed(joining, &room,
          {.cause = Cause::BUSY, .evidence = "the room's history is being confirmed", .retry_after = Millis{1'000}});
    room.waiting.push_back([this, joining = std::move(joining), tries](Result<Room*> opened) mutable {
      if (opened) return read_for_join(std::move(joining), **opened, tries + 1);
      Room* here = find(joining.request.room);
      join_failed(joining, here, std::move(opened).error());
    });
    confirm(room);
  };
  if (room.unconfirmed || room.epoch() != plan.epoch) return again();
  if (page.epoch != room.epoch() || page.head < plan.recovery.up_to) return again(); // the history went back
  // The right to read may have ended while the store was read.
  if (auto refusal = check(room, joining.actor, Act::read)) return join_failed(joining, &room, std::move(*refusal));
  const auto& since = joining.request.since;
  const Proof proof = plan.in_epoch ? judge_position({.offset = since->offset, .time = since->time},
                                          {.head = page.head, .time = page.time_of, .doubted = room.doubted})
                                    : Proof::none;
  if (proof == Proof::contradicts && !room.doubted) {
    // The client may have seen another history: from now on, positions beyond the head need their time as proof.
    room.doubted = page.head;
    room.log->doubt(room.name, room.epoch(), page.head,
        from_log<Offset>(room, [this, joining = std::move(joining), tries](Room& r, Result<Offset> kept) mutable {
      if (kept) r.doubted = *kept;
      read_newest_for_join(std::move(joining), r, tries);
    }));
    return;
  }
  if (plan.recovery.possible && proof != Proof::good) return read_newest_for_join(std::move(joining), room, tries);
  if (!plan.recovery.possible && plan.recovery.newest == 0 && plan.recovery.up_to > 0)
    page.more = room.settings.keeps_history();
  apply_fresh(room, page);
  finish_join(std::move(joining), room, plan.recovery, std::move(page), tries);
}

void RoomHome::finish_join(Joining joining, Room& room, const Recovery& recovery, HistoryPage page, int tries) {
  if (!room.settings.presence)
    return answer_with_members(std::move(joining), room, recovery, std::move(page), tries, {});
  if (joining.present) {
    engine::PresentMembers present = *joining.present; // it may be read again
    return answer_with_members(std::move(joining), room, recovery, std::move(page), tries, std::move(present));
  }
  const AnswerLimit limit = joining.request.answer;
  shown_members(room, limit,
      [this, joining = std::move(joining), recovery, page = std::move(page), tries](
          Room& r, Result<engine::PresentMembers> present) mutable {
    if (!present) return join_failed(joining, &r, std::move(present).error());
    answer_with_members(std::move(joining), r, recovery, std::move(page), tries, std::move(*present));
  });
}

// Answers with as much of the page as fits.
void RoomHome::answer_with_members(Joining joining, Room& room, const Recovery& recovery, HistoryPage page, int tries,
    engine::PresentMembers present) {
  const JoinRequest& request = joining.request;
  const AnswerLimit& limit = request.answer;
  Joined answer{.room = room.name,
      .kind = room.kind,
      .epoch = room.epoch(),
      .up_to = recovery.up_to,
      .durable = room.durable,
      .member_count = present.count,
      .time = recovery.up_to == room.offset() ? room.time : WallTime{}};
  if (!page.messages.empty() && page.messages.back().offset == recovery.up_to) answer.time = page.messages.back().time;
  bool possible = recovery.possible;
  std::size_t beside = 0;
  if (request.changes) {
    answer.change = page.change;
    if (possible) answer.changes = std::move(page.changes);
    if (limit.measure != nullptr) beside = limit.measure->bytes_of(std::span<const Change>(answer.changes));
    possible = possible && page.changes_whole && beside <= limit.bytes / 4;
  }
  if (recovery.possible && !possible) return read_newest_for_join(std::move(joining), room, tries);
  answer.members = std::move(present.members);
  if (limit.measure != nullptr) beside += limit.measure->bytes_of(std::span<const Member>(answer.members));
  const std::size_t read = page.messages.size();
  const Offset last = page.messages.empty() ? recovery.after : page.messages.back().offset;
  answer.messages = std::move(page.messages);
  const bool all = fit(room.name, room.epoch(), answer.messages, possible ? Keep::oldest : Keep::newest, limit, beside);
  if (!possible) {
    answer.more = page.more || !all;
    return joining.done(std::move(answer));
  }
  // If retention has deleted some of the missed messages, this is not a recovery.
  const bool gapless = last - recovery.after == read && (last == recovery.up_to || last > recovery.after);
  const bool whole = gapless && all && last == recovery.up_to;
  if (!whole && !(gapless && request.pages)) return read_newest_for_join(std::move(joining), room, tries);
  answer.recovered = true;
  answer.more = !whole;
  joining.done(std::move(answer));
}

// Continues as if the client had sent no position.
void RoomHome::read_newest_for_join(Joining joining, Room& room, int tries) {
  joining.request.since.reset();
  read_for_join(std::move(joining), room, tries);
}

} // namespace foyer::rooms

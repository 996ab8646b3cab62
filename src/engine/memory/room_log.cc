#include "engine/memory/room_log.h"

#include <utility>

namespace foyer::engine {

Result<MemoryRoomLog::Room*> MemoryRoomLog::find_or_make(const RoomName& name) {
  if (const auto found = rooms_.find(name); found != rooms_.end()) return &found->second;
  TRY_VOID(kind_of(name.view()));
  HistoryLimits limits = limits_;
  if (const auto kept = rules_.of(name.view()).history_messages) limits.messages = *kept;
  return &rooms_.try_emplace(name, Epoch{entropy_.short_id()}, limits, &share_).first->second;
}

void MemoryRoomLog::renew_if_behind(Room& room, const Known& known) {
  if (room.history.epoch() != known.epoch || room.history.offset() >= known.offset) return;
  room.history.renew(Epoch{entropy_.short_id()});
  room.doubted.reset();
}

void MemoryRoomLog::append(AppendRequest message, Completion<Appended> done) {
  auto room = find_or_make(message.room);
  if (!room) return done(std::unexpected(std::move(room).error()));
  renew_if_behind(**room, message.known);
  done((*room)->history.append(std::move(message), now_()));
}

void MemoryRoomLog::erase(RoomName room, Offset offset, UserId by, bool any, Completion<Erased> done) {
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return done(refuse_field(Cause::NOT_FOUND, "offset"));
  done(found->second.history.erase(offset, by, any));
}

void MemoryRoomLog::clear(RoomName room, Completion<bool> done) {
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return done(refuse_field(Cause::NOT_FOUND, "room"));
  found->second.history.clear();
  done(true);
}

void MemoryRoomLog::history(HistoryRequest question, Completion<HistoryPage> done) {
  const auto found = rooms_.find(question.room);
  done(found == rooms_.end() ? HistoryPage{} : found->second.history.history(question));
}

void MemoryRoomLog::confirm(RoomName name, Known known, Completion<RoomRow> done) {
  auto found = find_or_make(name);
  if (!found) return done(std::unexpected(std::move(found).error()));
  Room& room = **found;
  renew_if_behind(room, known);
  const RoomHistory& history = room.history;
  RoomRow row{.room = name,
      .kind = kind_of(name.view()).value(),
      .epoch = history.epoch(),
      .offset = history.offset(),
      .members = {},
      .time = history.time_of(history.offset()).value_or(WallTime{}),
      .doubted = room.doubted,
      .change = history.change()};
  done(std::move(row));
}

void MemoryRoomLog::doubt(RoomName name, Epoch epoch, Offset head, Completion<Offset> done) {
  const auto found = rooms_.find(name);
  if (found == rooms_.end() || found->second.history.epoch() != epoch) return done(head);
  Room& room = found->second;
  if (!room.doubted) room.doubted = head;
  done(*room.doubted);
}

void MemoryRoomLog::detach_author(UserId user, Forget what, Completion<Detached> done) {
  Detached detached;
  for (auto& [name, room] : rooms_)
    if (const auto change = room.history.detach_author(user, what)) detached.rooms.push_back({name, *change});
  detached.any = !detached.rooms.empty();
  done(std::move(detached));
}

} // namespace foyer::engine

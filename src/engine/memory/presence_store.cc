#include "engine/memory/presence_store.h"

#include <algorithm>
#include <utility>

namespace foyer::engine {

void MemoryPresenceStore::touch(RoomName room, rooms::Member member, Completion<PresenceChange> done) {
  auto& users = rooms_[std::move(room)];
  const bool came = users.try_emplace(std::move(member.id), std::move(member.name)).second;
  done(PresenceChange{.changed = came, .count = users.size()});
}

void MemoryPresenceStore::leave(RoomName room, UserId user, Completion<PresenceChange> done) {
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return done(PresenceChange{});
  auto& users = found->second;
  auto left = users.extract(user);
  PresenceChange change{.changed = !left.empty(), .count = users.size()};
  if (change.changed) change.name = std::move(left.mapped());
  if (users.empty()) rooms_.erase(found);
  done(std::move(change));
}

void MemoryPresenceStore::members(RoomName room, std::size_t most, Completion<PresentMembers> done) {
  PresentMembers present;
  if (const auto found = rooms_.find(room); found != rooms_.end()) {
    present.count = found->second.size();
    present.members.reserve(std::min(most, present.count));
    for (const auto& [user, name] : found->second) {
      if (present.members.size() == most) break;
      present.members.push_back({user, name});
    }
  }
  done(std::move(present));
}

} // namespace foyer::engine

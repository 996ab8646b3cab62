#include "engine/memory/presence_store.h"

#include <algorithm>
#include <utility>

namespace foyer::engine {

void MemoryPresenceStore::touch(RoomName room, rooms::Member member, Completion<PresenceChange> done) {
  auto& users = rooms_[std::move(room)];
  const auto [name, came] = users.add(member.id.view());
  if (came && member.name != member.id.view()) *name = std::make_unique<const std::string>(std::move(member.name));
  done(PresenceChange{.changed = came, .count = users.size()});
}

void MemoryPresenceStore::leave(RoomName room, UserId user, Completion<PresenceChange> done) {
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return done(PresenceChange{});
  auto& users = found->second;
  PresenceChange change;
  if (const auto* name = users.find(user.view())) {
    change.changed = true;
    change.name = *name ? **name : user.str();
    users.erase(*name);
  }
  change.count = users.size();
  if (users.empty()) rooms_.erase(found);
  done(std::move(change));
}

void MemoryPresenceStore::members(RoomName room, std::size_t most, Completion<PresentMembers> done) {
  PresentMembers present;
  if (const auto found = rooms_.find(room); found != rooms_.end()) {
    present.count = found->second.size();
    present.members.reserve(std::min(most, present.count));
    found->second.each([&](std::string_view user, const std::unique_ptr<const std::string>& name) {
      if (present.members.size() == most) return false;
      present.members.push_back({UserId{user}, name ? *name : std::string(user)});
      return true;
    });
  }
  done(std::move(present));
}

} // namespace foyer::engine

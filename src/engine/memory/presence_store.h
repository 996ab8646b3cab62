// Presence on a single node. Used on one thread; every answer comes before the call returns.
#pragma once

#include <string>
#include <unordered_map>

#include "engine/presence_store.h"

namespace foyer::engine {

class MemoryPresenceStore final : public PresenceStore {
 public:
  void touch(RoomName room, rooms::Member member, Completion<PresenceChange> done) override;
  void leave(RoomName room, UserId user, Completion<PresenceChange> done) override;
  void members(RoomName room, std::size_t most, Completion<PresentMembers> done) override;

  [[nodiscard]] std::size_t rooms() const { return rooms_.size(); } // that are not empty

 private:
  std::unordered_map<RoomName, std::unordered_map<UserId, std::string>> rooms_;
};

} // namespace foyer::engine

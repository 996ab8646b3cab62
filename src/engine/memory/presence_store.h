// Presence on a single node. Used on one thread; every answer comes before the call returns.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "base/text_table.h"
#include "engine/presence_store.h"

namespace foyer::engine {

class MemoryPresenceStore final : public PresenceStore {
 public:
  void touch(RoomName room, rooms::Member member, Completion<PresenceChange> done) override;
  void leave(RoomName room, UserId user, Completion<PresenceChange> done) override;
  void members(RoomName room, std::size_t most, Completion<PresentMembers> done) override;

  [[nodiscard]] std::size_t rooms() const { return rooms_.size(); } // that are not empty

 private:
  // By user: the name, or null if it equals the id, as most do.
  using Users = TextTable<std::unique_ptr<const std::string>>;
  std::unordered_map<RoomName, Users> rooms_;
};

} // namespace foyer::engine

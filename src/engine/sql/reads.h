// The queries of the chat store, as jobs of its reader.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "engine/sql/retention.h"
#include "engine/values.h"
#include "store/database.h"

namespace foyer::engine {

// Both of these refuse a database that shows less than `barrier` (continuity.h) with DATABASE_UNREACHABLE.
// nullopt: no room has that name. NOT_A_MEMBER as in RoomDirectory::open.
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

} // namespace foyer::engine

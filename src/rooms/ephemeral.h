// The history of a room that is not durable, as its owner holds it.
#pragma once

#include "engine/memory/room_history.h"

namespace foyer::rooms {

using EphemeralHistory = engine::RoomHistory;
using EphemeralLimits = engine::HistoryLimits;
using EphemeralShare = engine::MemoryShare;

} // namespace foyer::rooms

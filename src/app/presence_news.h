// Publishes what no home of a room has seen happen: users who left with a dead node, or whose coming or going could not
// be written at first.
#pragma once

#include <cstddef>

#include "app/policies.h"
#include "engine/fanout.h"
#include "engine/presence_store.h"

namespace foyer::app {

// Of a room with more than `presence_events` users: only that they changed.
void publish_presence(const engine::PresenceReport& report, const rooms::RoomRules& rules, std::size_t presence_events,
    engine::Fanout& fanout);

} // namespace foyer::app

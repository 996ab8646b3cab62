// Messages of the control bus as bytes. As with events (rooms/model/event_bytes.h): the first byte is the version, each
// value has one form, and a message of a later version is refused.
//
// What belongs to the sending node alone stays there: the outcome, and the session that a message is not for.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "engine/control_bus.h"
#include "rooms/model/event_bytes.h"
#include "rooms/model/packed.h"

namespace foyer::engine {

inline constexpr std::uint8_t kControlVersion = 1;
inline constexpr std::size_t kMostKept = 10'000;      // connections that a selection excludes
inline constexpr std::size_t kMostAskedNodes = 1'000; // that are named in a question

void write(rooms::PackedWriter& out, const Refusal& refusal);
[[nodiscard]] Refusal read_refusal(rooms::PackedReader& in);

[[nodiscard]] std::string to_bytes(const ControlMessage& message);
[[nodiscard]] std::expected<ControlMessage, rooms::EventFault> read_control(std::string_view bytes);

} // namespace foyer::engine

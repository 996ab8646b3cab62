// Events as bytes, for other nodes and for what is stored on its way to somebody.
//
// The first byte is the version of the form. A node reads its own version and those before it; an event of a later one
// is refused, and whoever follows the room reads the log instead. A change of the form is a new version: what is
// written in one is read the same for ever (testing/events_v1.txt).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "rooms/model/event.h"

namespace foyer::rooms {

inline constexpr std::uint8_t kEventVersion = 1;
// Far above every limit of what is put into events.
inline constexpr std::size_t kMostEventBytes = 4 * 1024 * 1024;
inline constexpr std::size_t kMostEventWord = 4096; // a name, an id, a key, a reason

enum class EventFault : std::uint8_t {
  unknown_version, // of a later release
  malformed,       // not an event, cut off, or something follows it
  too_large,
};
[[nodiscard]] std::string_view to_string(EventFault fault);

[[nodiscard]] std::string to_bytes(const Event& event);
[[nodiscard]] std::expected<Event, EventFault> read_event(std::string_view bytes);

} // namespace foyer::rooms

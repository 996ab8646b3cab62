// What happens in a room, as values. Immutable once made: threads and rooms share them.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "rooms/model/room.h"

namespace foyer::rooms {

// How an event reaches those who listen.
enum class Delivery : std::uint8_t {
  history,       // has an offset of its own in the record: each once, in order, without a gap
  about_history, // changes what was said up to `offset`; numbered beside the offsets (Change::number)
  ephemeral,     // presence, typing: worth something now or never
};

struct Event {
  Epoch epoch = {};  // empty: ephemeral
  Offset offset = 0; // history: its own; about_history: the last message that it may concern; ephemeral: 0
  Delivery delivery{};
  std::variant<std::monostate, Message, Change> body = {};
};
using EventPtr = std::shared_ptr<const Event>;

[[nodiscard]] inline std::size_t text_bytes(const Event& event) {
  const auto* message = std::get_if<Message>(&event.body);
  return message == nullptr ? 0 : message->text.size();
}

} // namespace foyer::rooms

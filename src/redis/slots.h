// Which of the 16,384 slots of a cluster a key or channel belongs to. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace foyer::redis {

using Slot = std::uint16_t;
inline constexpr std::size_t kSlots = 16'384;

// CRC16 of the key, or of its hash tag: what stands between the first { and the next }, if that is anything.
[[nodiscard]] Slot slot_of(std::string_view key);

// A word whose slot it is, for a key that has to be on a certain node: "prefix{" + tag_of(slot) + "}".
[[nodiscard]] std::string tag_of(Slot slot);

} // namespace foyer::redis

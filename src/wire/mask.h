// Masking (RFC 6455 §5.3), several bytes at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace foyer::wire {

using MaskKey = std::array<std::uint8_t, 4>; // in wire order

// XORs `size` bytes in place; `phase` is the offset of the first of them in the
// frame's payload. Returns true when all results are ASCII.
bool apply_mask(char* bytes, std::size_t size, MaskKey key, std::size_t phase = 0);

} // namespace foyer::wire

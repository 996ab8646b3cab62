#include "wire/mask.h"

#include <cstring>

namespace foyer::wire {
namespace {

// A compiler vector: SSE2 or NEON if available, otherwise words.
using Block = std::uint64_t __attribute__((vector_size(16)));

} // namespace

bool apply_mask(char* bytes, std::size_t size, MaskKey key, std::size_t phase) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080U;
  MaskKey turned{};
  for (std::size_t i = 0; i < 4; ++i) turned[i] = key[(i + phase) % 4];
  std::uint32_t word = 0;
  std::memcpy(&word, turned.data(), 4);
  const std::uint64_t wide = (static_cast<std::uint64_t>(word) << 32U) | word;
  const Block key_block = {wide, wide};

  Block seen = {0, 0};
  std::size_t i = 0;
  for (; size - i >= 32; i += 32) {
    Block a;
    Block b;
    std::memcpy(&a, bytes + i, 16);
    std::memcpy(&b, bytes + i + 16, 16);
    a ^= key_block;
    b ^= key_block;
    std::memcpy(bytes + i, &a, 16);
    std::memcpy(bytes + i + 16, &b, 16);
    seen |= a | b;
  }
  std::uint64_t rest = seen[0] | seen[1];
  for (; size - i >= 8; i += 8) {
    std::uint64_t a = 0;
    std::memcpy(&a, bytes + i, 8);
    a ^= wide;
    std::memcpy(bytes + i, &a, 8);
    rest |= a;
  }
  if (size - i >= 4) {
    std::uint32_t a = 0;
    std::memcpy(&a, bytes + i, 4);
    a ^= word;
    std::memcpy(bytes + i, &a, 4);
    rest |= a;
    i += 4;
  }
  for (; i < size; ++i) {
    const auto a = static_cast<std::uint8_t>(static_cast<std::uint8_t>(bytes[i]) ^ turned[i % 4]);
    bytes[i] = static_cast<char>(a);
    rest |= a;
  }
  return (rest & kHighBits) == 0;
}

} // namespace foyer::wire

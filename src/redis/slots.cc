#include "redis/slots.h"

#include <array>

namespace foyer::redis {
namespace {

constexpr std::uint16_t kPolynomial = 0x1021; // CRC-16/XMODEM

constexpr std::array<std::uint16_t, 256> kTable = [] {
  std::array<std::uint16_t, 256> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    auto crc = static_cast<std::uint16_t>(i << 8U);
    for (int bit = 0; bit < 8; ++bit)
      crc = static_cast<std::uint16_t>((crc & 0x8000U) != 0 ? (crc << 1U) ^ kPolynomial : crc << 1U);
    out[i] = crc;
  }
  return out;
}();

std::uint16_t crc16(std::string_view text) {
  std::uint16_t crc = 0;
  for (const unsigned char c : text) crc = static_cast<std::uint16_t>((crc << 8U) ^ kTable[(crc >> 8U) ^ c]);
  return crc;
}

} // namespace

Slot slot_of(std::string_view key) {
  if (const auto open = key.find('{'); open != std::string_view::npos)
    if (const auto close = key.find('}', open + 1); close != std::string_view::npos && close > open + 1)
      key = key.substr(open + 1, close - open - 1);
  return crc16(key) % kSlots;
}

// Of the decimal numbers, the first one: the same on every node.
std::string tag_of(Slot slot) {
  static const std::array<std::string, kSlots> tags = [] {
    std::array<std::string, kSlots> out;
    std::size_t found = 0;
    for (std::uint32_t i = 0; found < kSlots; ++i) {
      const std::string word = std::to_string(i);
      std::string& tag = out[crc16(word) % kSlots];
      if (!tag.empty()) continue;
      tag = word;
      ++found;
    }
    return out;
  }();
  return tags.at(slot);
}

} // namespace foyer::redis

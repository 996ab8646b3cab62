#include "jose/segment.h"

#include <array>
#include <cstdint>

namespace foyer::jose {
namespace {

constexpr std::uint8_t kBad = 0x80; // a bit that no value of the alphabet has

constexpr std::array<std::uint8_t, 256> kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kBad);
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  return values;
}();

std::uint32_t value(char c) { return kValues[static_cast<unsigned char>(c)]; }

} // namespace

bool decode_segment(std::string_view segment, std::string& out) {
  const std::size_t rest = segment.size() % 4;
  if (rest == 1) return false;
  const std::size_t groups = segment.size() / 4;
  out.resize(groups * 3 + (rest == 0 ? 0 : rest - 1));
  const char* in = segment.data();
  char* to = out.data();
  std::uint32_t seen = 0; // all values combined: the bad bit stays
  for (std::size_t i = 0; i < groups; ++i, in += 4, to += 3) {
    const std::uint32_t a = value(in[0]);
    const std::uint32_t b = value(in[1]);
    const std::uint32_t c = value(in[2]);
    const std::uint32_t d = value(in[3]);
    seen |= a | b | c | d;
    const std::uint32_t bits = a << 18 | b << 12 | c << 6 | d;
    to[0] = static_cast<char>(bits >> 16 & 0xff);
    to[1] = static_cast<char>(bits >> 8 & 0xff);
    to[2] = static_cast<char>(bits & 0xff);
  }
  std::uint32_t unused = 0;
  if (rest >= 2) {
    const std::uint32_t a = value(in[0]);
    const std::uint32_t b = value(in[1]);
    const std::uint32_t c = rest == 3 ? value(in[2]) : 0;
    seen |= a | b | c;
    const std::uint32_t bits = a << 18 | b << 12 | c << 6;
    to[0] = static_cast<char>(bits >> 16 & 0xff);
    if (rest == 3) to[1] = static_cast<char>(bits >> 8 & 0xff);
    unused = rest == 3 ? bits & 0xff : bits & 0xffff;
  }
  return (seen & kBad) == 0 && unused == 0;
}

} // namespace foyer::jose

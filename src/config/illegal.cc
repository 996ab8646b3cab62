#include "config/illegal.h"

#include <fmt/format.h>

#include <vector>

#include "base/bytes.h"

namespace foyer::config {
namespace {

// Code points; the byte itself plus kRawByte where the text is not UTF-8.
constexpr char32_t kRawByte = 0x80000000;

std::vector<char32_t> points_of(std::string_view text) {
  std::vector<char32_t> out;
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (i + length > text.size() || !is_utf8(text.substr(i, length))) {
      out.push_back(kRawByte + first);
      ++i;
      continue;
    }
    char32_t point = length == 1 ? first : first & (0x7fU >> length);
    for (std::size_t k = 1; k < length; ++k) point = point << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fU);
    out.push_back(point);
    i += length;
  }
  return out;
}

std::string name_of(char32_t point) {
  if (point >= kRawByte)
    return fmt::format("a byte that is not valid UTF-8 (0x{:02x})", static_cast<std::uint32_t>(point - kRawByte));
  switch (point) {
    case ' ': return "a space";
    case '\t': return "a tab";
    case '\n': return "a line feed";
    case '\r': return "a carriage return";
    case 0: return "a NUL";
    case 0xa0: return "a no-break space (U+00A0)";
    case 0xfeff: return "a byte order mark (U+FEFF)";
    default: break;
  }
  if (point < 0x20 || (point >= 0x7f && point < 0xa0))
    return fmt::format("a control character (U+{:04X})", static_cast<std::uint32_t>(point));
  if (point < 0x7f) return fmt::format("'{}'", static_cast<char>(point));
  return fmt::format("the character U+{:04X}", static_cast<std::uint32_t>(point));
}

bool never(char32_t p) {
  return p >= kRawByte || p < 0x20 || (p >= 0x7f && p <= 0xa0) || p == 0xfeff || (p >= 0x200b && p <= 0x200f) ||
      (p >= 0x2028 && p <= 0x202e);
}

bool in_word(char32_t p) {
  return (p >= 'a' && p <= 'z') || (p >= 'A' && p <= 'Z') || (p >= '0' && p <= '9') || p == '.' || p == '_' || p == '-';
}

std::string at(const std::vector<char32_t>& points, std::size_t i) {
  return fmt::format("character {} of {} is {}", i + 1, points.size(), name_of(points[i]));
}

} // namespace

std::optional<std::string> illegal_character(std::string_view value) {
  const auto points = points_of(value);
  for (std::size_t i = 0; i < points.size(); ++i)
    if (never(points[i]) || (points[i] == ' ' && (i == 0 || i + 1 == points.size()))) return at(points, i);
  return std::nullopt;
}

std::optional<std::string> illegal_in_word(std::string_view value) {
  const auto points = points_of(value);
  for (std::size_t i = 0; i < points.size(); ++i)
    if (!in_word(points[i])) return at(points, i);
  return std::nullopt;
}

} // namespace foyer::config

// Encodings of bytes: there and back, and one text for each sequence of bytes.
#include <string>

#include "base/bytes.h"
#include "fuzz.h"

using namespace foyer;

namespace {

// RFC 4648 §4 and §5 by counting bits, to compare with.
std::string encode(std::string_view bytes, std::string_view alphabet, bool padded) {
  std::string out;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : bytes) {
    bits = (bits << 8U | static_cast<unsigned char>(c)) & 0xffffU;
    for (count += 8; count >= 6; count -= 6) out += alphabet[(bits >> (count - 6)) & 63U];
  }
  if (count > 0) out += alphabet[(bits << (6 - count)) & 63U];
  while (padded && out.size() % 4 != 0) out += '=';
  return out;
}

} // namespace

FUZZER(base64) {
  constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr std::string_view kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  // As a text.
  if (const auto bytes = base64url_decode(input))
    invariant(encode(*bytes, kUrl, false) == input, "base64url has one text for each sequence of bytes");
  if (const auto bytes = base64_decode(input))
    invariant(encode(*bytes, kStandard, true) == input, "base64 has one text for each sequence of bytes");
  // As bytes.
  const std::string url = base64url_encode(input);
  const std::string standard = base64_encode(input);
  invariant(url == encode(input, kUrl, false) && standard == encode(input, kStandard, true),
      "bytes are written as RFC 4648 says");
  invariant(base64url_decode(url) == input && base64_decode(standard) == input, "what was written can be read");
  // A text with one character too many, or one replaced by what no alphabet has, is none.
  invariant(!base64url_decode(url + "=") && !base64url_decode(url + "\n") && !base64_decode(standard + "="),
      "nothing may follow");
  const std::string hex = hex_encode(input);
  invariant(hex.size() == 2 * input.size() && hex.find_first_not_of("0123456789abcdef") == std::string::npos,
      "hex has two digits for a byte");
}

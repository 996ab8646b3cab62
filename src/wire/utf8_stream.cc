#include "wire/utf8_stream.h"

#include <cstring>

namespace foyer::wire {

bool Utf8Stream::feed(std::string_view bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    if (due_ == 0) {
      while (bytes.size() - i >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + i, 8);
        if ((word & 0x8080808080808080U) != 0) break;
        i += 8;
      }
      if (i == bytes.size()) break;
    }
    const auto c = static_cast<std::uint8_t>(bytes[i++]);
    if (due_ > 0) {
      if (c < low_ || c > high_) return false;
      low_ = 0x80;
      high_ = 0xbf;
      --due_;
    } else if (c >= 0x80) {
      // The first continuation byte is narrower where an over-long form, a
      // surrogate, or a value above U+10FFFF would begin.
      if (c < 0xc2 || c > 0xf4) return false;
      due_ = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
      if (c == 0xe0) low_ = 0xa0;
      if (c == 0xed) high_ = 0x9f;
      if (c == 0xf0) low_ = 0x90;
      if (c == 0xf4) high_ = 0x8f;
    }
  }
  return true;
}

} // namespace foyer::wire

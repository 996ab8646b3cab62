// Text of strangers: UTF-8 in pieces, what may be logged, percent encoding, and how
// PostgreSQL keeps a NUL. The first byte says how the rest is cut.
#include <string>

#include "base/bytes.h"
#include "base/http.h"
#include "fuzz.h"
#include "store/postgres_text.h"
#include "wire/utf8_stream.h"

using namespace foyer;

namespace {

// The Unicode Standard, table 3-7: is there a well-formed sequence of this length here?
bool well_formed(std::string_view text) {
  const auto in = [&](std::size_t i, unsigned low, unsigned high) {
    return i < text.size() && static_cast<unsigned char>(text[i]) >= low && static_cast<unsigned char>(text[i]) <= high;
  };
  while (!text.empty()) {
    std::size_t length = 0;
    if (in(0, 0x00, 0x7f))
      length = 1;
    else if (in(0, 0xc2, 0xdf) && in(1, 0x80, 0xbf))
      length = 2;
    else if (((in(0, 0xe0, 0xe0) && in(1, 0xa0, 0xbf)) || (in(0, 0xe1, 0xec) && in(1, 0x80, 0xbf)) ||
                 (in(0, 0xed, 0xed) && in(1, 0x80, 0x9f)) || (in(0, 0xee, 0xef) && in(1, 0x80, 0xbf))) &&
        in(2, 0x80, 0xbf))
      length = 3;
    else if (((in(0, 0xf0, 0xf0) && in(1, 0x90, 0xbf)) || (in(0, 0xf1, 0xf3) && in(1, 0x80, 0xbf)) ||
                 (in(0, 0xf4, 0xf4) && in(1, 0x80, 0x8f))) &&
        in(2, 0x80, 0xbf) && in(3, 0x80, 0xbf))
      length = 4;
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

void check_utf8(std::string_view text, std::size_t step) {
  const bool valid = well_formed(text);
  invariant(is_utf8(text) == valid, "UTF-8 is what Unicode says it is");
  wire::Utf8Stream stream;
  bool well = true;
  for (std::size_t at = 0; well && at < text.size(); at += step) well = stream.feed(text.substr(at, step));
  invariant((well && stream.complete()) == valid, "UTF-8 in pieces is UTF-8");
  if (well) return;
  wire::Utf8Stream byte_by_byte;
  std::size_t bad = 0;
  while (byte_by_byte.feed(text.substr(bad, 1))) ++bad;
  // Fails at the first byte that no continuation can mend.
  const std::string_view before = text.substr(0, bad);
  bool mended = well_formed(before);
  for (const std::string_view tail : {"\x80", "\x80\x80", "\x80\x80\x80", "\xa0\x80", "\x90\x80\x80", "\xa0", "\x90"})
    mended = mended || well_formed(std::string(before).append(tail));
  invariant(mended, "text is bad at its first bad byte and not earlier");
}

void check_printable(std::string_view text, std::size_t limit) {
  const std::string shown = printable(text, limit);
  invariant(is_utf8(shown), "what is shown is UTF-8");
  invariant(shown.size() <= 8 * limit + 3, "and bounded");
  for (const char c : shown)
    invariant(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "and holds no control character");
  for (const std::string_view steering : {"\xe2\x80\xae", "\xe2\x80\xa8", "\xef\xbb\xbf", "\xc2\x85", "\xe2\x81\xa6"})
    invariant(shown.find(steering) == std::string::npos, "nor turns the text around it");
}

} // namespace

FUZZER(text) {
  fuzz::Bytes bytes(input);
  const std::size_t step = 1U + bytes.byte() % 8U;
  const std::size_t limit = bytes.byte();
  const std::string_view text = bytes.rest();
  check_utf8(text, step);
  check_printable(text, limit);
  if (const auto decoded = percent_decode(text)) {
    invariant(decoded->size() <= text.size(), "what is decoded is no longer");
    std::string encoded;
    for (const char c : *decoded)
      encoded.append({'%', "0123456789ABCDEF"[static_cast<unsigned char>(c) >> 4U],
          "0123456789abcdef"[static_cast<unsigned char>(c) & 15U]});
    invariant(percent_decode(encoded) == decoded, "and the same when encoded again");
  }
  const std::string_view other = text.substr(0, text.size() / 2);
  invariant(constant_time_equal(text, other) == (text == other) && constant_time_equal(text, std::string(text)),
      "equal is equal");
  const std::string_view word = text.substr(0, 24);
  invariant(edit_distance(word, word) == 0 &&
          edit_distance(word, other.substr(0, 24)) == edit_distance(other.substr(0, 24), word),
      "a distance is the same both ways");
  if (!is_utf8(text)) return;
  const std::string kept = store::escape(text);
  invariant(kept.find('\0') == std::string::npos, "the database gets no NUL");
  invariant(store::unescape(kept) == text, "and gives back what it was given");
  invariant(store::needs_escape(text) == (kept != text), "what needs no escape has none");
}

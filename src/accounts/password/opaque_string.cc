#include "accounts/password/opaque_string.h"

#include <fmt/format.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/bytes.h"

namespace foyer::accounts {
namespace {

using CodePoints = std::vector<UChar32>;

// Normalisers and properties come from ICU (72 in Debian 12: Unicode 15) and live as long as the process.
const icu::Normalizer2* normaliser(const icu::Normalizer2* (*get)(UErrorCode&)) {
  UErrorCode status = U_ZERO_ERROR;
  const auto* out = get(status);
  return U_SUCCESS(status) ? out : nullptr;
}

std::string normalised(const icu::Normalizer2* (*get)(UErrorCode&), std::string_view text) {
  const auto* form = normaliser(get);
  UErrorCode status = U_ZERO_ERROR;
  std::string out;
  if (form == nullptr) return std::string{text};
  form->normalize(
          icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size()))), status)
      .toUTF8String(out);
  return U_SUCCESS(status) ? out : std::string{text};
}

std::string nfc(std::string_view text) { return normalised(&icu::Normalizer2::getNFCInstance, text); }
std::string nfd(std::string_view text) { return normalised(&icu::Normalizer2::getNFDInstance, text); }

bool any_of(UChar32 c, std::initializer_list<UChar32> list) { return std::ranges::find(list, c) != list.end(); }

// ---- RFC 8264 §8, in its order

enum class Kind : std::uint8_t { valid, context, refused };

std::optional<Kind> exception(UChar32 c) { // §9.6
  if (any_of(c, {0x00DF, 0x03C2, 0x06FD, 0x06FE, 0x0F0B, 0x3007})) return Kind::valid;
  if (any_of(c, {0x00B7, 0x0375, 0x05F3, 0x05F4, 0x30FB}) || (c >= 0x0660 && c <= 0x0669) ||
      (c >= 0x06F0 && c <= 0x06F9))
    return Kind::context;
  if (any_of(c, {0x0640, 0x07FA, 0x302E, 0x302F, 0x3031, 0x3032, 0x3033, 0x3034, 0x3035, 0x303B})) return Kind::refused;
  return std::nullopt;
}

bool has_compatibility_form(UChar32 c) { // §9.17
  const auto* form = normaliser(&icu::Normalizer2::getNFKCInstance);
  icu::UnicodeString decomposition;
  if (form == nullptr) return false;
  UErrorCode status = U_ZERO_ERROR;
  return form->normalize(icu::UnicodeString(c), status) != icu::UnicodeString(c);
}

Kind kind_of(UChar32 c) {
  if (const auto exceptional = exception(c)) return *exceptional;
  const auto category = u_charType(c);
  const bool noncharacter = u_hasBinaryProperty(c, UCHAR_NONCHARACTER_CODE_POINT) != 0;
  if (category == U_UNASSIGNED && !noncharacter) return Kind::refused;
  if (c >= 0x21 && c <= 0x7E) return Kind::valid;
  if (u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL) != 0) return Kind::context;
  const auto syllable = u_getIntPropertyValue(c, UCHAR_HANGUL_SYLLABLE_TYPE);
  if (syllable == U_HST_LEADING_JAMO || syllable == U_HST_VOWEL_JAMO || syllable == U_HST_TRAILING_JAMO)
    return Kind::refused;
  if (noncharacter || u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) != 0) return Kind::refused;
  if (category == U_CONTROL_CHAR) return Kind::refused;
  if (has_compatibility_form(c)) return Kind::valid;
  constexpr std::uint32_t kValid = U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK | U_GC_ZS_MASK | U_GC_S_MASK | U_GC_P_MASK;
  return (U_MASK(category) & kValid) != 0 ? Kind::valid : Kind::refused;
}

// ---- RFC 5892 Appendix A

constexpr std::uint8_t kVirama = 9;

UScriptCode script_of(UChar32 c) {
  UErrorCode status = U_ZERO_ERROR;
  return uscript_getScript(c, &status);
}
bool is_in(const CodePoints& text, std::size_t at, UScriptCode script) {
  return at < text.size() && script_of(text[at]) == script;
}

bool joins(const CodePoints& text, std::size_t at) { // A.1: (L|D) T* ZWNJ T* (R|D)
  const auto type = [&](std::size_t i) { return u_getIntPropertyValue(text[i], UCHAR_JOINING_TYPE); };
  std::size_t left = at;
  while (left > 0 && type(left - 1) == U_JT_TRANSPARENT) --left;
  std::size_t right = at + 1;
  while (right < text.size() && type(right) == U_JT_TRANSPARENT) ++right;
  if (left == 0 || right == text.size()) return false;
  return (type(left - 1) == U_JT_LEFT_JOINING || type(left - 1) == U_JT_DUAL_JOINING) &&
      (type(right) == U_JT_RIGHT_JOINING || type(right) == U_JT_DUAL_JOINING);
}

bool fits_context(const CodePoints& text, std::size_t at) {
  const UChar32 c = text[at];
  const bool after_virama = at > 0 && u_getCombiningClass(text[at - 1]) == kVirama;
  const auto holds = [&](UChar32 first, UChar32 last) {
    return std::ranges::any_of(text, [=](UChar32 other) { return other >= first && other <= last; });
  };
  switch (c) {
    case 0x200C: return after_virama || joins(text, at);
    case 0x200D: return after_virama;
    case 0x00B7: return at > 0 && at + 1 < text.size() && text[at - 1] == 'l' && text[at + 1] == 'l';
    case 0x0375: return is_in(text, at + 1, USCRIPT_GREEK);
    case 0x05F3:
    case 0x05F4: return at > 0 && is_in(text, at - 1, USCRIPT_HEBREW);
    case 0x30FB:
      return std::ranges::any_of(text, [](UChar32 other) {
        return other != 0x30FB && any_of(script_of(other), {USCRIPT_HIRAGANA, USCRIPT_KATAKANA, USCRIPT_HAN});
      });
    default: // the two sets of Arabic digits must not be mixed
      return c <= 0x0669 ? !holds(0x06F0, 0x06F9) : !holds(0x0660, 0x0669);
  }
}

CodePoints code_points(std::string_view utf8) {
  const auto text = icu::UnicodeString::fromUTF8(icu::StringPiece(utf8.data(), static_cast<std::int32_t>(utf8.size())));
  CodePoints out;
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) out.push_back(text.char32At(i));
  return out;
}

std::string name_of(UChar32 c) {
  std::array<char, 96> name{};
  UErrorCode status = U_ZERO_ERROR;
  u_charName(c, U_EXTENDED_CHAR_NAME, name.data(), static_cast<std::int32_t>(name.size()), &status);
  return fmt::format("U+{:04X}{}{}", static_cast<std::uint32_t>(c), U_SUCCESS(status) ? " " : "",
      U_SUCCESS(status) ? name.data() : "");
}

// §4.2.2 step 2: every kind of blank becomes the ASCII one.
std::string with_plain_spaces(const CodePoints& text) {
  icu::UnicodeString out;
  for (const UChar32 c : text) out.append(u_charType(c) == U_SPACE_SEPARATOR ? UChar32{' '} : c);
  std::string utf8;
  return out.toUTF8String(utf8);
}

} // namespace

std::expected<std::string, std::string> prepare_opaque(std::string_view text) {
  if (!is_utf8(text)) return std::unexpected("bytes that are not UTF-8");
  if (std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7E; })) return std::string{text};
  const std::string mapped = nfc(with_plain_spaces(code_points(text)));
  const CodePoints prepared = code_points(mapped);
  for (std::size_t i = 0; i < prepared.size(); ++i) {
    const Kind kind = kind_of(prepared[i]);
    if (kind == Kind::refused || (kind == Kind::context && !fits_context(prepared, i)))
      return std::unexpected(name_of(prepared[i]));
  }
  return mapped;
}

std::vector<std::string> password_forms(std::string_view text) {
  std::vector<std::string> out;
  const auto add = [&out](std::string form) {
    if (std::ranges::find(out, form) == out.end()) out.push_back(std::move(form));
  };
  if (is_utf8(text)) {
    auto prepared = prepare_opaque(text);
    add(prepared ? std::move(*prepared) : nfc(text));
    add(std::string{text});
    add(nfd(text));
  } else {
    add(std::string{text});
  }
  return out;
}

} // namespace foyer::accounts

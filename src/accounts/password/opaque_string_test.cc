// Passwords prepared according to RFC 8265 §4.2, with its own examples.
#include "accounts/password/opaque_string.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace foyer::accounts {
namespace {

using testing::ElementsAre;

std::string prepared(std::string_view text) {
  const auto out = prepare_opaque(text);
  return out ? *out : "refused: " + out.error();
}

TEST(OpaqueString, TheExamplesOfTheRfc) { // §4.3
  EXPECT_EQ(prepared("correct horse battery staple"), "correct horse battery staple");
  EXPECT_EQ(prepared("Correct Horse Battery Staple"), "Correct Horse Battery Staple");
  EXPECT_EQ(prepared("\u03C0\u00DF\u00E5"), "\u03C0\u00DF\u00E5");
  EXPECT_EQ(prepared("Jack of \u2666s"), "Jack of \u2666s");
  EXPECT_EQ(prepared("foo\u1680bar"), "foo bar");
  EXPECT_EQ(prepared("my cat is a \tby"), "refused: U+0009 <control-0009>");
}

TEST(OpaqueString, OnePasswordIsTheSameBytesFromEveryKeyboard) {
  EXPECT_EQ(prepared("cafe\u0301 noir"), "caf\u00E9 noir");
  EXPECT_EQ(prepared("caf\u00E9 noir"), "caf\u00E9 noir");
  EXPECT_EQ(prepared("caf\u00E9\u00A0noir"), "caf\u00E9 noir") << "a no-break space, as macOS types it with Option";
  EXPECT_EQ(prepared("\u1100\u1161"), "\uAC00") << "jamo that make a syllable";
  EXPECT_EQ(prepared("\uFF21\uFF22"), "\uFF21\uFF22") << "width stays";
  EXPECT_EQ(prepared("\u212B"), "\u00C5");
}

TEST(OpaqueString, WhatIsRefusedIsNamed) {
  EXPECT_EQ(prepared("family \U0001F468\u200D\U0001F469"), "refused: U+200D ZERO WIDTH JOINER");
  EXPECT_EQ(prepared("heart \u2764\uFE0F"), "refused: U+FE0F VARIATION SELECTOR-16");
  EXPECT_EQ(prepared("new \U000E0FFF"), "refused: U+E0FFF <unassigned-E0FFF>");
  EXPECT_EQ(prepared("soft\u00ADhyphen"), "refused: U+00AD SOFT HYPHEN");
  EXPECT_EQ(prepared("mine \uE000"), "refused: U+E000 <private use area-E000>");
  EXPECT_EQ(prepared("old \u1100"), "refused: U+1100 HANGUL CHOSEONG KIYEOK");
  EXPECT_EQ(prepared("\xff"), "refused: bytes that are not UTF-8");
  EXPECT_EQ(prepared("rocket \U0001F680"), "rocket \U0001F680") << "a single emoji is allowed";
}

TEST(OpaqueString, SomeCharactersNeedTheirNeighbours) { // RFC 5892 Appendix A
  EXPECT_EQ(prepared("l\u00B7l"), "l\u00B7l");
  EXPECT_EQ(prepared("a\u00B7l"), "refused: U+00B7 MIDDLE DOT");
  EXPECT_EQ(prepared("\u0915\u094D\u200D\u0937"), "\u0915\u094D\u200D\u0937") << "a joiner behind a virama";
  EXPECT_EQ(prepared("\u0645\u06CC\u200C\u062E"), "\u0645\u06CC\u200C\u062E") << "between letters that join";
  EXPECT_EQ(prepared("a\u200Cb"), "refused: U+200C ZERO WIDTH NON-JOINER");
  EXPECT_EQ(prepared("\u30A2\u30FB\u30A2"), "\u30A2\u30FB\u30A2");
  EXPECT_EQ(prepared("a\u30FBb"), "refused: U+30FB KATAKANA MIDDLE DOT");
  EXPECT_EQ(prepared("\u0661\u0662"), "\u0661\u0662");
  EXPECT_EQ(prepared("\u0661\u06F2"), "refused: U+0661 ARABIC-INDIC DIGIT ONE");
}

TEST(OpaqueString, AHashMayHaveBeenMadeOfTheBytesAsTyped) {
  EXPECT_THAT(password_forms("plain"), ElementsAre("plain"));
  EXPECT_THAT(password_forms("caf\u00E9"), ElementsAre("caf\u00E9", "cafe\u0301"));
  EXPECT_THAT(password_forms("cafe\u0301"), ElementsAre("caf\u00E9", "cafe\u0301"));
  EXPECT_THAT(password_forms("e\u0301\u200D\u00E9"),
      ElementsAre("\u00E9\u200D\u00E9", "e\u0301\u200D\u00E9", "e\u0301\u200De\u0301"));
  EXPECT_THAT(password_forms("\xff\xfe"), ElementsAre("\xff\xfe"));
}

} // namespace
} // namespace foyer::accounts

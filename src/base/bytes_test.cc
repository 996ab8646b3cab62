#include "base/bytes.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace foyer {
namespace {

using namespace std::string_literals;

// RFC 4648 §10
TEST(Base64, EncodesTheStandardsVectors) {
  const std::pair<std::string, std::string> vectors[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(base64_encode(plain), encoded);
    EXPECT_EQ(base64_decode(encoded), plain);
    const std::string bare = encoded.substr(0, encoded.find('='));
    EXPECT_EQ(base64url_encode(plain), bare);
    EXPECT_EQ(base64url_decode(bare), plain);
  }
  EXPECT_EQ(base64url_encode("\xfb\xff"), "-_8");
  EXPECT_EQ(base64_encode("\xfb\xff"), "+/8=");
}

TEST(Base64, RefusesEverySecondSpelling) {
  for (const char* text : {"Zg==", "Zg=", "Zh", "Zm9=", "Z", "Zm9vY", "Zm 9v", "Zm9v\n", "Zm+v", "Zm/v", "Zm9\xc3\xa4"})
    EXPECT_EQ(base64url_decode(text), std::nullopt) << text;
  for (const char* text : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm-v", "=", "====", "Zg==Zg==", "Zm9v\n"})
    EXPECT_EQ(base64_decode(text), std::nullopt) << text;
  EXPECT_EQ(base64url_decode("Zm9v\0AAA"s), std::nullopt);
}

TEST(Base64, RoundTripsEveryLength) {
  FixedEntropy entropy;
  for (std::size_t n = 0; n < 70; ++n) {
    std::string bytes(n, '\0');
    entropy.fill(std::as_writable_bytes(std::span(bytes)));
    EXPECT_EQ(base64url_decode(base64url_encode(bytes)), bytes);
    EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
  }
}

// FIPS 180-4 and RFC 4231 §4.3
TEST(Digests, MatchTheStandardsVectors) {
  EXPECT_EQ(hex_encode(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_encode(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hmac_sha256("", "").size(), 32U);
}

TEST(ConstantTimeEqual, ComparesWholeValues) {
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_TRUE(constant_time_equal("secret", "secret"));
  EXPECT_FALSE(constant_time_equal("secret", "secreT"));
  EXPECT_FALSE(constant_time_equal("secret", "secre"));
}

TEST(Utf8, IsValidatedStrictly) {
  for (const auto& good : {"plain"s, "grüße"s, "\xf0\x9f\x8e\x89"s, "\0"s, ""s}) EXPECT_TRUE(is_utf8(good));
  for (const auto& bad : {"\xff"s, "\xc0\x80"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "\xe2\x82"s, "\x80"s})
    EXPECT_FALSE(is_utf8(bad));
}

TEST(Printable, LeavesWordsAloneAndEscapesWhatSteersATerminal) {
  EXPECT_EQ(printable("grüße an Zoë"), "grüße an Zoë");
  EXPECT_EQ(printable("a\r\nb\tc"), "a\\r\\nb\\tc");
  EXPECT_EQ(printable("\x1b[31mred"), "\\x1b[31mred");
  EXPECT_EQ(printable("a\0b"s), "a\\x00b");
  EXPECT_EQ(printable("\xc2\x9b"
                      "1m"),
      "\\u{009b}1m");
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "gpj.exe"),
      "\\u{202e}gpj.exe");
  EXPECT_EQ(printable("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(printable("C:\\dir"), "C:\\\\dir");
}

TEST(Printable, CutsLongTextBetweenCharacters) {
  EXPECT_EQ(printable("abcdef", 3), "abc…");
  EXPECT_EQ(printable("abc", 3), "abc");
  EXPECT_EQ(printable("aaü", 3), "aa…");
  EXPECT_EQ(printable(std::string(1000, 'x')).size(), 256U + 3U);
}

TEST(EditDistance, CountsChanges) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("listen", "listen"), 0U);
  EXPECT_EQ(edit_distance("listn", "listen"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
}

TEST(Entropy, GivesTokensOfTheirLength) {
  FixedEntropy fixed;
  Entropy& system = system_entropy();
  for (Entropy* entropy : {static_cast<Entropy*>(&fixed), &system}) {
    const std::string a = entropy->token();
    const std::string b = entropy->token();
    EXPECT_EQ(a.size(), 43U);
    EXPECT_NE(a, b);
    EXPECT_EQ(entropy->short_id().size(), 16U);
    for (int i = 0; i < 100; ++i) EXPECT_LT(entropy->below(7), 7U);
    EXPECT_EQ(entropy->below(0), 0U);
  }
  FixedEntropy once(5);
  FixedEntropy again(5);
  EXPECT_EQ(once.token(), again.token());
}

TEST(Clock, WritesTimesAsRfc3339) {
  EXPECT_EQ(rfc3339(from_unix_millis(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(from_unix_millis(1'767'323'045'678)), "2026-01-02T03:04:05.678Z");
  ManualClock clock;
  const auto mono = clock.mono();
  const auto wall = clock.wall();
  clock.advance(Millis{1500});
  EXPECT_EQ(clock.wall() - wall, Millis{1500});
  EXPECT_EQ(clock.mono() - mono, Millis{1500});
  const auto before = system_clock().mono();
  EXPECT_LE(before, system_clock().mono());
  EXPECT_GT(unix_seconds(system_clock().wall()), 1'700'000'000);
}

} // namespace
TEST(Entropy, AnIdBeginsWithALetterSoThatACommandLineNeverTakesItForAnOption) {
  FixedEntropy fixed;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = i % 2 == 0 ? system_entropy().short_id() : fixed.short_id();
    ASSERT_EQ(id.size(), 16U);
    ASSERT_TRUE((id[0] >= 'A' && id[0] <= 'Z') || (id[0] >= 'a' && id[0] <= 'z')) << id;
  }
}

} // namespace foyer

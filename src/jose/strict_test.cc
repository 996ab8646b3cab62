// The forms below tokens: base64url, JSON and headers, each with what is said of a bad one.
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "jose/fields.h"
#include "jose/segment.h"
#include "jose/testing/token_world.h"

namespace foyer::jose {
namespace {

using namespace testing;

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  return decode_segment(text, out) ? std::optional{out} : std::nullopt;
}

TEST(Segment, HasOneForm) {
  struct {
    std::string_view text;
    std::optional<std::string> bytes;
  } const table[] = {
      {"", ""},
      {"AA", std::string(1, '\0')},
      {"AAA", std::string(2, '\0')},
      {"AAAA", std::string(3, '\0')},
      {"_w", "\xff"},
      {"-_-_", "\xfb\xff\xbf"},
      {"Zm9v", "foo"},
      {"Zm9vYg", "foob"},
      {"Zm9vYmE", "fooba"},
      {"A", {}}, // six bits are no byte
      {"AAAAA", {}},
      {"AB", {}}, // bits that are left over are zero
      {"AAB", {}},
      {"_x", {}},
      {"AA==", {}}, // no padding
      {"AAA=", {}},
      {"=", {}},
      {"+A", {}}, // not the plain alphabet
      {"/w", {}},
      {"A A", {}},
      {" AA", {}},
      {"AA\n", {}},
      {"AA\r\n", {}},
      {"AA\t", {}},
      {"A.A", {}},
      {"AA%3D", {}},
      {"\xc3\x84", {}},
      {std::string_view{"A\0", 2}, {}},
      {std::string_view{"AA\0\0", 4}, {}},
      {"\xff\xff\xff\xff", {}},
  };
  for (const auto& row : table) {
    EXPECT_EQ(decoded(row.text), row.bytes) << row.text;
    EXPECT_EQ(base64url_decode(row.text), row.bytes) << row.text << ", in base";
  }
}

TEST(Segment, EveryByteOutsideTheAlphabetIsSeenAtEveryPlace) {
  const std::string good = "AAAAAAAAAA";
  for (std::size_t at = 0; at < good.size(); ++at)
    for (int c = 0; c < 256; ++c) {
      auto text = good;
      text[at] = static_cast<char>(c);
      EXPECT_EQ(decoded(text), base64url_decode(text)) << at << " " << c;
    }
}

std::string fault_of(std::string_view text) {
  Fields fields;
  const auto read = fields.parse(text);
  return read ? "ok" : std::string{read.error()};
}

struct FieldsRow {
  std::string text;
  const char* fault;
};
const FieldsRow kFieldsRows[] = {
    {R"({})", "ok"},
    {" \t\r\n{ \"a\" : 1 } \n", "ok"},
    {R"({"a":-0,"b":0,"c":1e5,"d":1E+5,"e":-1.5e-300,"f":1e-400})", "ok"},
    {R"({"a":18446744073709551615,"b":-9223372036854775808})", "ok"},
    {R"({"a":"\ud83d\ude00 \u0000 \/"})", "ok"},
    {"", "not a JSON object"},
    {"null", "not a JSON object"},
    {"[]", "not a JSON object"},
    {"\"{}\"", "not a JSON object"},
    {"\xEF\xBB\xBF{}", "not a JSON object"},
    {std::string("{\0}\0", 4), "not valid JSON"},
    {std::string("\0{\0}", 4), "not a JSON object"},
    {std::string("\0\0\0{\0\0\0}", 8), "not a JSON object"},
    {"\xff\xfe{", "not a JSON object"},
    {R"({} {})", "not valid JSON"},
    {R"({}x)", "not valid JSON"},
    {std::string("{}\0", 3), "not valid JSON"},
    {R"({"a":1,})", "not valid JSON"},
    {R"({,"a":1})", "not valid JSON"},
    {R"({"a" 1})", "not valid JSON"},
    {R"({a:1})", "not valid JSON"},
    {R"({'a':1})", "not valid JSON"},
    {R"({"a":1)", "not valid JSON"},
    {R"({"a":[1,]})", "not valid JSON"},
    {R"({"a":/* */1})", "not valid JSON"},
    {R"({"a":True})", "not valid JSON"},
    {R"({"a":undefined})", "not valid JSON"},
    {"{\"a\":\"\n\"}", "not valid JSON"},
    {R"({"a":"\x41"})", "not valid JSON"},
    {R"({"a":"\ud800"})", "not valid JSON"},
    {R"({"a":"\udc00"})", "not valid JSON"},
    {R"({"a":"\ud800\u0041"})", "not valid JSON"},
    {R"({"\ud800":1})", "not valid JSON"},
    {"{\"a\":\"\xff\"}", "JSON that is not UTF-8"},
    {"{\"a\":\"\xc0\x80\"}", "JSON that is not UTF-8"},
    {"{\"a\":\"\xed\xa0\x80\"}", "JSON that is not UTF-8"},
    {"{\"a\":\"\xf4\x90\x80\x80\"}", "JSON that is not UTF-8"},
    {"{\"a\":\"\xe2\x82\"}", "JSON that is not UTF-8"},
    {R"({"a":1,"a":1})", "JSON with a duplicate member"},
    {R"({"a":1,"\u0061":1})", "JSON with a duplicate member"},
    {R"({"":1,"":1})", "JSON with a duplicate member"},
    {R"({"x":{"a":1,"a":1}})", "JSON with a duplicate member"},
    {R"({"x":[1,{"y":{"a":1,"a":1}}]})", "JSON with a duplicate member"},
    {R"({"x":[[{"a":1,"a":1}]]})", "JSON with a duplicate member"},
    {R"({"a":1,"A":1})", "ok"},
    {R"({"a":1e400})", "JSON with a number out of range"},
    {R"({"a":-1e400})", "JSON with a number out of range"},
    {R"({"a":[1e400]})", "JSON with a number out of range"},
    {R"({"a":01})", "JSON with a number out of range"},
    {R"({"a":-01})", "JSON with a number out of range"},
    {R"({"a":+1})", "not valid JSON"},
    {R"({"a":.5})", "not valid JSON"},
    {R"({"a":5.})", "JSON with a number out of range"},
    {R"({"a":0x10})", "JSON with a number out of range"},
    {R"({"a":-})", "JSON with a number out of range"},
    {R"({"a":NaN})", "not valid JSON"},
    {R"({"a":Infinity})", "not valid JSON"},
    {R"({"a":)" + std::string(14, '[') + std::string(14, ']') + "}", "ok"},
    {R"({"a":)" + std::string(16, '[') + std::string(16, ']') + "}", "JSON too deep"},
    {R"({"a":)" + std::string(5'000, '[') + std::string(5'000, ']') + "}", "JSON too deep"},
    {R"({"a":)" + std::string(5'000, '['), "not valid JSON"},
    {R"({"a":")" + std::string(70'000, 'a') + "\"}", "JSON that is too long"},
};

TEST(Fields, AreOneStrictObject) {
  for (const auto& row : kFieldsRows) EXPECT_EQ(fault_of(row.text), row.fault) << row.text.substr(0, 120);
}

TEST(Fields, ManyMembersAreComparedAsFewAre) {
  std::string members;
  for (int i = 0; i < 200; ++i) members += "\"m" + std::to_string(i) + "\":1,";
  EXPECT_EQ(fault_of("{" + members + "\"last\":1}"), "ok");
  EXPECT_EQ(fault_of("{" + members + "\"m7\":1}"), "JSON with a duplicate member");
  EXPECT_EQ(fault_of(R"({"x":{)" + members + "\"m199\":1}}"), "JSON with a duplicate member");
}

std::string header_fault(std::string_view header) {
  const auto jws = parse_compact(base64url_encode(header) + ".e30.AAAA");
  return jws ? "ok"
             : std::string{jws.error().code()} + (jws.error().field.empty() ? "" : " " + jws.error().field) + ": " +
          jws.error().evidence;
}

TEST(Header, SaysWhatItMustAndNothingThatIsNotUnderstood) {
  struct {
    const char* header;
    const char* fault;
  } const table[] = {
      {R"({"alg":"HS256"})", "ok"},
      {R"({"alg":"HS256","kid":"k","typ":"at+jwt","cty":7,"jku":[],"jwk":{},"x5u":1,"own":{"a":[1]}})", "ok"},
      {R"({"alg":""})", "ok"},
      {R"({})", "INVALID_FORMAT alg: a header without alg"},
      {R"({"ALG":"HS256"})", "INVALID_FORMAT alg: a header without alg"},
      {R"({"alg":null})", "INVALID_FORMAT alg: a header whose alg is null"},
      {R"({"alg":["HS256"]})", "INVALID_FORMAT alg: a header whose alg is an array of strings"},
      {R"({"alg":"HS256","kid":1})", "INVALID_FORMAT kid: a header whose kid is a number"},
      {R"({"alg":"HS256","typ":true})", "INVALID_FORMAT typ: a header whose typ is true or false"},
      {R"({"alg":"HS256","enc":"A128GCM"})", "INVALID_FORMAT enc: the header of an encrypted token"},
      {R"({"alg":"HS256","zip":"DEF"})", "INVALID_FORMAT zip: the header of a compressed token"},
      {R"({"alg":"HS256","b64":false})",
          "INVALID_FORMAT b64: a header whose b64 is not true: the payload would not be encoded"},
      {R"({"alg":"HS256","b64":"true"})",
          "INVALID_FORMAT b64: a header whose b64 is not true: the payload would not be encoded"},
      {R"({"alg":"HS256","b64":true})", "ok"},
      {R"({"alg":"HS256","crit":"exp"})", "INVALID_FORMAT crit: a header whose crit is not an array of strings"},
      {R"({"alg":"HS256","crit":null})", "INVALID_FORMAT crit: a header whose crit is not an array of strings"},
      {R"({"alg":"HS256","crit":{"exp":1}})", "INVALID_FORMAT crit: a header whose crit is not an array of strings"},
      {R"({"alg":"HS256","crit":[1]})", "INVALID_FORMAT crit: a header whose crit is not an array of strings"},
      {R"({"alg":"HS256","crit":["exp",1],"exp":1})",
          "INVALID_FORMAT crit: a header whose crit is not an array of strings"},
      {R"({"alg":"HS256","crit":[]})", "INVALID_FORMAT crit: a header whose crit is empty"},
      {R"({"alg":"HS256","crit":["own","own"],"own":1})",
          "INVALID_FORMAT crit: a header whose crit names one extension twice"},
      {R"({"alg":"HS256","crit":["alg"]})",
          "INVALID_FORMAT crit: a header whose crit names a member that is not an extension"},
      {R"({"alg":"HS256","crit":["crit"]})",
          "INVALID_FORMAT crit: a header whose crit names a member that is not an extension"},
      {R"({"alg":"HS256","crit":["own"]})",
          "INVALID_FORMAT crit: a header whose crit names a member that it does not have"},
      {R"({"alg":"HS256","crit":["own"],"own":1})",
          "INVALID_FORMAT crit: a header with crit; no extension is supported"},
      {R"({"alg":"HS256","crit":["b64"],"b64":false})",
          "INVALID_FORMAT crit: a header with crit; no extension is supported"},
      {R"({"alg":"HS256","crit":["b64"],"b64":true})",
          "INVALID_FORMAT crit: a header with crit; no extension is supported"},
      {R"({"alg":"HS256","crit":["exp"],"exp":1})",
          "INVALID_FORMAT crit: a header with crit; no extension is supported"},
      {R"({"alg":"HS256","crit":[""],"":1})", "INVALID_FORMAT crit: a header with crit; no extension is supported"},
      {R"({"alg":"HS256","alg":"HS256"})", "INVALID_FORMAT: a header that is JSON with a duplicate member"},
      {R"({"alg":"HS256"}x)", "INVALID_FORMAT: a header that is not valid JSON"},
      {R"("HS256")", "INVALID_FORMAT: a header that is not a JSON object"},
  };
  for (const auto& row : table) EXPECT_EQ(header_fault(row.header), row.fault) << row.header;
  EXPECT_EQ(header_fault(R"({"alg":"HS256","kid":")" + std::string(1024, 'k') + "\"}"), "ok");
  EXPECT_EQ(header_fault(R"({"alg":"HS256","kid":")" + std::string(1025, 'k') + "\"}"),
      "INVALID_FORMAT kid: a header whose kid is longer than 1024 bytes");
}

} // namespace
} // namespace foyer::jose

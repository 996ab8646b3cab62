#include "wire/extensions.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace foyer::wire {
namespace {

std::string written(const std::optional<std::vector<Extension>>& extensions) {
  if (!extensions) return "malformed";
  std::string out;
  for (const auto& extension : *extensions) {
    out += "[" + extension.name;
    for (const auto& [name, value] : extension.parameters) out += " " + name + (value ? "=" + *value : "");
    out += "]";
  }
  return out;
}

// The server's answer to these offers.
std::string answer(std::string_view offers, bool takeover = false) {
  const auto read = parse_extensions(offers);
  if (!read) return "malformed";
  const auto terms = accept_deflate(*read, takeover);
  return terms ? deflate_answer(*terms) : "declined";
}

TEST(Rfc6455, S9_1_ExtensionListsFollowTheGrammar) {
  const std::pair<const char*, const char*> cases[] = {
      // The examples of §9.1.
      {"foo", "[foo]"},
      {"bar; baz=2", "[bar baz=2]"},
      {"foo, bar; baz=2", "[foo][bar baz=2]"},
      {"deflate-stream", "[deflate-stream]"},
      {"mux; max-channels=4; flow-control, deflate-stream", "[mux max-channels=4 flow-control][deflate-stream]"},
      {"private-extension", "[private-extension]"},
      {"a;b", "[a b]"},
      {"a ; b = c\t,\td", "[a b=c][d]"},
      {"a; b=\"c\"", "[a b=c]"},
      {"a; b=\"\\c\\d\"", "[a b=cd]"},
      {",, a ,,b, ", "[a][b]"},
      {"a; b; b=1", "[a b b=1]"},
      {"", "malformed"},
      {" , ", "malformed"},
      {"a;", "malformed"},
      {"a; ;b", "malformed"},
      {";a", "malformed"},
      {"a; b=", "malformed"},
      {"a; =b", "malformed"},
      {"a; b==c", "malformed"},
      {"a b", "malformed"},
      {"a=b", "malformed"},
      {"a; b c", "malformed"},
      {"a; b=c d", "malformed"},
      {"a; b=\"c", "malformed"},
      {"a; b=\"c\\", "malformed"},
      {"a; b=\"\"", "malformed"},
      {"a; b=\"c d\"", "malformed"},
      {"a; b=\"c,d\"", "malformed"},
      {"a; b='c'x\x7f", "malformed"},
      {"a/b", "malformed"},
      {"(a)", "malformed"},
      {"\xc3\xa9", "malformed"},
  };
  for (const auto& [input, expected] : cases) EXPECT_EQ(written(parse_extensions(input)), expected) << input;
}

TEST(Rfc7692, S7_1_TheExamplesOfNegotiation) {
  // §7.1.2.1 to §7.1.3, with what a server may answer.
  EXPECT_EQ(answer("permessage-deflate"), "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits; server_max_window_bits=10"),
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10");
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate; "
                   "client_max_window_bits",
                true),
      "permessage-deflate; server_max_window_bits=10; client_max_window_bits=12");
  EXPECT_EQ(answer("permessage-deflate", true), "permessage-deflate");
}

TEST(Rfc7692, S7_1_1_WhoAsksForNoTakeoverGetsIt) {
  EXPECT_EQ(
      answer("permessage-deflate; server_no_context_takeover", true), "permessage-deflate; server_no_context_takeover");
  EXPECT_EQ(
      answer("permessage-deflate; client_no_context_takeover", true), "permessage-deflate; client_no_context_takeover");
  EXPECT_EQ(answer("permessage-deflate; client_no_context_takeover; server_no_context_takeover"),
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
}

TEST(Rfc7692, S7_1_2_1_TheServersWindowIsAnsweredAsAsked) {
  for (int bits = 8; bits <= 15; ++bits) {
    const std::string asked = "server_max_window_bits=" + std::to_string(bits);
    EXPECT_EQ(answer("permessage-deflate; " + asked, true), "permessage-deflate; " + asked);
    EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=\"" + std::to_string(bits) + "\"", true),
        "permessage-deflate; " + asked);
  }
}

TEST(Rfc7692, S7_1_2_2_TheClientsWindowIsToldOnlyToWhomOffersIt) {
  EXPECT_EQ(answer("permessage-deflate", true), "permessage-deflate");
  EXPECT_EQ(
      answer("permessage-deflate; client_max_window_bits", true), "permessage-deflate; client_max_window_bits=12");
  for (int bits = 8; bits <= 15; ++bits)
    EXPECT_EQ(answer("permessage-deflate; client_max_window_bits=" + std::to_string(bits), true),
        "permessage-deflate; client_max_window_bits=" + std::to_string(std::min(bits, 12)));
  // Without a kept window there is nothing to limit.
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits=9"),
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits; client_no_context_takeover", true),
      "permessage-deflate; client_no_context_takeover");
}

TEST(Rfc7692, S7_1_OffersWithUnknownRepeatedOrBadParametersAreDeclined) {
  for (const char* parameters : {
           "server_max_window_bits",
           "server_max_window_bits=7",
           "server_max_window_bits=16",
           "server_max_window_bits=08",
           "server_max_window_bits=010",
           "server_max_window_bits=0x9",
           "server_max_window_bits=+9",
           "server_max_window_bits=-9",
           "server_max_window_bits=9.0",
           "server_max_window_bits=100",
           "server_max_window_bits=4294967306",
           "server_max_window_bits=ten",
           "client_max_window_bits=7",
           "client_max_window_bits=16",
           "client_max_window_bits=015",
           "client_max_window_bits=1e1",
           "server_no_context_takeover=1",
           "server_no_context_takeover=true",
           "client_no_context_takeover=1",
           "client_no_context_takeover=\"x\"",
           "server_no_context_takeover; server_no_context_takeover",
           "client_no_context_takeover; client_no_context_takeover",
           "server_max_window_bits=10; server_max_window_bits=10",
           "client_max_window_bits; client_max_window_bits=10",
           "unknown",
           "unknown=1",
           "Server_No_Context_Takeover",
           "max_window_bits=10",
           "client_max_window_bits; x",
       }) {
    for (const bool takeover : {false, true})
      EXPECT_EQ(answer("permessage-deflate; " + std::string(parameters), takeover), "declined") << parameters;
  }
  for (const char* other : {"x-webkit-deflate-frame", "deflate-frame", "Permessage-Deflate", "permessage-bzip2",
           "permessage-compress; method=deflate"})
    EXPECT_EQ(answer(other), "declined") << other;
}

TEST(Rfc7692, S5_1_TheFirstOfferThatCanBeAcceptedIsTaken) {
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=7, permessage-deflate; server_max_window_bits=11, "
                   "permessage-deflate",
                true),
      "permessage-deflate; server_max_window_bits=11");
  EXPECT_EQ(
      answer("mux, permessage-deflate; x=y, permessage-deflate; client_no_context_takeover, permessage-deflate", true),
      "permessage-deflate; client_no_context_takeover");
  EXPECT_EQ(answer("permessage-deflate; x, permessage-deflate; y"), "declined");
}

TEST(BrokenDeflate, IsNotAgreedOnWithApplesUrlSession) {
  for (const char* agent : {
           "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 "
           "Safari/605.1.15",
           "Mozilla/5.0 (iPhone; CPU iPhone OS 15_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
           "Version/15.1 Mobile/15E148 Safari/604.1",
           "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
           "CriOS/120.0.6099.119 Mobile/15E148 Safari/604.1",
           "Mozilla/5.0 (iPad; CPU OS 16_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/121.0 "
           "Mobile/15E148 Safari/605.1.15",
           "Chat/3 CFNetwork/1490.0.4 Darwin/23.2.0",
       })
    EXPECT_NE(broken_deflate(agent), "") << agent;
  for (const char* agent : {
           "",
           "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 "
           "Safari/537.36",
           "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 "
           "Safari/537.36 Edg/120.0.0.0",
           "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:121.0) Gecko/20100101 Firefox/121.0",
           "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.0 Safari/605.1.15",
           "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile "
           "Safari/537.36",
           "Python/3.11 websockets/10.4",
       })
    EXPECT_EQ(broken_deflate(agent), "") << agent;
}

} // namespace
} // namespace foyer::wire

// Parsing the arguments of the terminal client.
#include "cli/chat/chat_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace foyer::cli {
namespace {

using testing::HasSubstr;

TEST(ChatOptions, AServerOnThisMachineNeedsNoScheme) {
  const auto parse = [](const char* url) {
    const std::vector<std::string> args{url, "--token", "t"};
    auto options = parse_chat_options(args);
    return options ? options->socket.scheme + " " + options->socket.host + " " + std::to_string(options->socket.port) +
            " " + options->socket.path
                   : options.error();
  };
  EXPECT_EQ(parse("localhost:8000"), "ws localhost 8000 /ws/chat");
  EXPECT_EQ(parse("127.0.0.1:8000/ws/chat"), "ws 127.0.0.1 8000 /ws/chat");
  EXPECT_THAT(parse("[::1]:8000"), HasSubstr("::1"));
  EXPECT_EQ(parse("localhost"), "ws localhost 80 /ws/chat");
  EXPECT_EQ(parse("chat.example.com"), "the URL has no scheme; did you mean https://chat.example.com?");
  EXPECT_THAT(parse("localhost.example.com:8000"), HasSubstr("https://"));
}

TEST(ChatOptions, TakeAUrlOfEitherKindAndOneKindOfCredential) {
  const auto parse = [](std::vector<std::string> args) { return parse_chat_options(args); };
  EXPECT_EQ(parse({"http://127.0.0.1:8000", "--token=t"})->socket.path, "/ws/chat");
  EXPECT_EQ(parse({"https://example.com/chat/", "--token=t"})->socket.path, "/chat/ws/chat");
  EXPECT_EQ(parse({"wss://example.com/chat/ws/chat", "--token=t"})->socket.path, "/chat/ws/chat");
  EXPECT_EQ(http_url(parse({"https://example.com/chat", "--token=t"})->socket, "/auth/login").path, "/chat/auth/login");
  EXPECT_EQ(http_url(parse({"https://example.com", "--token=t"})->socket, "/auth/login").path, "/auth/login");
  EXPECT_EQ(parse({"https://a/x", "--token", "t"})->socket.scheme, "wss");
  EXPECT_FALSE(parse({}));
  EXPECT_FALSE(parse({"ftp://a", "--token", "t"}));
  EXPECT_FALSE(parse({"http://a", "--token", "t", "--name", "n"}));
  EXPECT_FALSE(parse({"http://a", "--token"}));
  EXPECT_FALSE(parse({"http://a", "--register"}));
  EXPECT_FALSE(parse({"http://a", "--nonsense"}));
  EXPECT_TRUE(parse({"http://a", "--name", "n", "--totp-stdin"})->totp_from_input);
  EXPECT_FALSE(parse({"http://a", "--token", "t", "--totp-stdin"}));
}

} // namespace
} // namespace foyer::cli

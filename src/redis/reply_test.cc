#include "redis/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/failure.h"
#include "redis/testing/answers.h"

namespace foyer::redis {
namespace {

// All replies of the bytes, and the error after them, fed in pieces of that size.
std::string read(std::string_view bytes, std::size_t piece = SIZE_MAX, ReplyLimits limits = {}) {
  ReplyReader reader(limits);
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += std::min(piece, bytes.size() - at)) {
    reader.feed(bytes.substr(at, piece));
    while (const auto reply = reader.next()) out += words(*reply) + ";";
  }
  return reader.error().empty() ? out : out + "!";
}

TEST(Replies, AreReadWholeHoweverTheyArrive) {
  const std::string bytes =
      "+OK\r\n:42\r\n:-7\r\n$5\r\nhello\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n-ERR no\r\n"
      "*3\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n-x y\r\n*2\r\n*1\r\n:1\r\n*1\r\n*1\r\n:2\r\n";
  const std::string expected = "OK;42;-7;hello;;nil;nil;[];error: ERR no;[a [1 nil] error: x y];[[1] [[2]]];";
  EXPECT_EQ(read(bytes), expected);
  EXPECT_EQ(read(bytes, 1), expected);
  EXPECT_EQ(read(bytes, 7), expected);
}

TEST(Replies, HaveTextOfAnyBytesAndLength) {
  const std::string text = std::string("\0\r\n\xff", 4) + std::string(100'000, 'x');
  ReplyReader reader;
  reader.feed("$" + std::to_string(text.size()) + "\r\n" + text + "\r\n:1\r\n");
  EXPECT_EQ(reader.next(), (Reply{.kind = Reply::Kind::text, .text = text}));
  EXPECT_EQ(reader.next(), (Reply{.kind = Reply::Kind::integer, .integer = 1}));
  EXPECT_EQ(reader.next(), std::nullopt);
  EXPECT_EQ(reader.error(), "");
}

TEST(Replies, EndForGoodWithWhatIsNoReply) {
  for (const char* wrong :
      {"HTTP/1.1 400 Bad Request\r\n", "$x\r\n", ":1x\r\n", "$-2\r\n", "*-2\r\n", "%1\r\n+a\r\n+b\r\n",
          "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "$99999999999999999999\r\n"}) {
    EXPECT_EQ(read(wrong), "!") << wrong;
    EXPECT_EQ(read(std::string(":1\r\n") + wrong + ":2\r\n", 1), "1;!") << wrong;
  }
}

TEST(Replies, AreNotReadBeyondTheirLimits) {
  const ReplyLimits limits{.bytes = 1'000, .items = 4};
  EXPECT_EQ(read("*3\r\n:1\r\n:2\r\n:3\r\n*3\r\n:1\r\n:2\r\n:3\r\n", 1, limits), "[1 2 3];[1 2 3];");
  EXPECT_EQ(read("*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n", 1, limits), "!");
  EXPECT_EQ(read("*2147483647\r\n:1\r\n", 1, limits), "") << "only announced";
  const std::string much(50'000, 'x');
  EXPECT_EQ(read("$50000\r\n" + much, 1'000, limits), "!");
  EXPECT_EQ(read("+" + much, 1'000, limits), "!") << "a line without an end";
}

TEST(Commands, AreWordsOfAnyBytes) {
  std::string out = "before ";
  append_command(out, Command{"SET", std::string("a\0\r\n", 4), ""});
  EXPECT_EQ(out, std::string("before *3\r\n$3\r\nSET\r\n$4\r\na\0\r\n\r\n$0\r\n\r\n", 36));
}

TEST(Failures, AreClassedByTheFirstWordOfTheServersError) {
  using Kind = Failure::Kind;
  EXPECT_EQ(kind_of_error("WRONGPASS invalid username-password pair"), Kind::login);
  EXPECT_EQ(kind_of_error("NOPERM this user has no permissions"), Kind::login);
  EXPECT_EQ(kind_of_error("ERR invalid password"), Kind::login);
  EXPECT_EQ(kind_of_error("LOADING Redis is loading the dataset in memory"), Kind::loading);
  EXPECT_EQ(kind_of_error("READONLY You can't write against a read only replica."), Kind::read_only);
  EXPECT_EQ(kind_of_error("OOM command not allowed when used memory > 'maxmemory'."), Kind::memory);
  EXPECT_EQ(kind_of_error("MOVED 3999 127.0.0.1:6381"), Kind::moved);
  EXPECT_EQ(kind_of_error("NOSCRIPT No matching script. Please use EVAL."), Kind::no_script);
  EXPECT_EQ(kind_of_error("ERR syntax error"), Kind::refused);
  EXPECT_EQ(kind_of_error(""), Kind::refused);
  EXPECT_EQ(kind_of_error("WRONGTYPE Operation against a key"), Kind::refused);
}

TEST(Failures, ShowNothingThatTheServerQuotesOfACommand) {
  EXPECT_EQ(
      shown_error("ERR unknown command `AUTH`, with args beginning with: `s3cr3t`, "), "ERR unknown command `AUTH`");
  EXPECT_EQ(shown_error("ERR unknown subcommand 's3cr3t'. Try X HELP."), "ERR unknown subcommand");
  EXPECT_EQ(shown_error("ERR a\r\nb"), "ERR a\\r\\nb");
}

} // namespace
} // namespace foyer::redis

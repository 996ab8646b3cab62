// A connection and a real server.
#include "redis/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "redis/backoff.h"
#include "redis/script.h"
#include "redis/testing/answers.h"
#include "redis/testing/redis_server.h"

namespace foyer::redis {
namespace {

using testing_world::RedisServer;

// Short waits, so that tests of failures are quick; none of them is asserted.
Policy quick() {
  return {.connect_timeout = Millis{30'000},
      .command_timeout = Millis{30'000},
      .backoff_first = Millis{5},
      .backoff_most = Millis{20}};
}

class ConnectionTest : public testing::Test {
 protected:
  static RedisServer& server() {
    static RedisServer shared;
    return shared;
  }
  std::unique_ptr<Connection> connected(ServerUrl url, Policy policy = quick()) {
    return std::make_unique<Connection>(Server{.url = std::move(url)}, policy, system_entropy(),
        ConnectionWatch{.opened = [this] { notes.add("opened"); },
            .lost = [this](const Failure& failure) { notes.add(std::string(to_string(failure.kind))); }});
  }
  Notes notes;
};

TEST_F(ConnectionTest, CommandsHaveTheirRepliesInTheOrderOfSending) {
  const auto redis = connected(server().url());
  std::vector<std::future<Answer>> answers;
  for (int i = 0; i < 1'000; ++i) answers.push_back(sent(*redis, {"ECHO", std::to_string(i)}));
  for (int i = 0; i < 1'000; ++i)
    EXPECT_EQ(words(got(std::move(answers[static_cast<std::size_t>(i)]))), std::to_string(i));
  EXPECT_EQ(redis->waiting(), 0U);
  EXPECT_TRUE(redis->open());
}

TEST_F(ConnectionTest, ManyThreadsShareIt) {
  const auto redis = connected(server().url());
  said(*redis, {"DEL", "count"});
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        std::vector<std::future<Answer>> answers;
        for (int i = 0; i < 250; ++i) answers.push_back(sent(*redis, {"INCR", "count"}));
        std::int64_t before = 0;
        for (auto& answer : answers) {
          const auto now = got(std::move(answer));
          ASSERT_TRUE(now);
          EXPECT_GT(now->integer, before);
          before = now->integer;
        }
      });
  }
  EXPECT_EQ(said(*redis, {"GET", "count"}), "1000");
}

TEST_F(ConnectionTest, AnErrorOfTheServerConcernsItsCommandAlone) {
  const auto redis = connected(server().url());
  auto wrong = sent(*redis, {"NONSENSE", "with", "a s3cr3t"});
  auto right = sent(*redis, {"SET", "k", "v"});
  const auto answer = got(std::move(wrong));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Failure::Kind::refused);
  EXPECT_THAT(answer.error().what, testing::HasSubstr("ERR unknown command"));
  EXPECT_THAT(answer.error().what, testing::Not(testing::HasSubstr("s3cr3t")));
  EXPECT_EQ(words(got(std::move(right))), "OK");
  EXPECT_EQ(said(*redis, {"LPUSH", "k", "x"}), "refused");
  EXPECT_EQ(said(*redis, {"EVALSHA", std::string(40, 'a'), "0"}), "no_script");
}

TEST_F(ConnectionTest, EachLoginLoadsItsScripts) {
  const Script ten("return 10");
  EXPECT_EQ(ten.digest, "080c414e64bca1184bc4f6220a19c4d495ac896d");
  Connection redis({.url = server().url(), .scripts = {ten.text}}, quick(), system_entropy());
  EXPECT_EQ(said(redis, {"EVALSHA", ten.digest, "0"}), "10");
}

// What was sent later is not carried out either: an unknown script ends the connection, and the next login loads it.
TEST_F(ConnectionTest, AScriptThatTheServerForgotIsLoadedByANewLogin) {
  const Script ten("return 10");
  Connection redis({.url = server().url(), .scripts = {ten.text}}, quick(), system_entropy(),
      {.lost = [this](const Failure& failure) { notes.add(std::string(to_string(failure.kind))); }});
  ASSERT_EQ(said(redis, {"EVALSHA", ten.digest, "0"}), "10");
  ASSERT_EQ(said(redis, {"SCRIPT", "FLUSH"}), "OK");
  EXPECT_EQ(said(redis, {"EVALSHA", ten.digest, "0"}), "no_script");
  ASSERT_TRUE(notes.until_count(1));
  EXPECT_EQ(notes.all().front(), "no_script");
  EXPECT_TRUE(until_said(redis, {"EVALSHA", ten.digest, "0"}, "10"));
}

TEST_F(ConnectionTest, LargeAndNestedRepliesArriveWhole) {
  const auto redis = connected(server().url());
  const std::string large = std::string(3'000'000, 'x') + std::string("\0\r\n", 3);
  EXPECT_EQ(said(*redis, {"SET", "large", large}), "OK");
  EXPECT_EQ(said(*redis, {"GET", "large"}), large);
  EXPECT_EQ(said(*redis, {"EVAL", "return {1,{'a',{false}},'b'}", "0"}), "[1 [a [nil]] b]");
}

TEST_F(ConnectionTest, ItsDatabaseIsTheOneOfTheUrl) {
  ServerUrl url = server().url();
  const auto zero = connected(url);
  url.db = 3;
  const auto three = connected(url);
  EXPECT_EQ(said(*zero, {"SET", "where", "zero"}), "OK");
  EXPECT_EQ(said(*three, {"SET", "where", "three"}), "OK");
  EXPECT_EQ(said(*zero, {"GET", "where"}), "zero");
  EXPECT_EQ(said(*three, {"GET", "where"}), "three");
  url.db = 999;
  EXPECT_EQ(said(*connected(url), {"GET", "where"}), "refused") << "the server has 16";
}

TEST_F(ConnectionTest, AServerThatWasKilledIsFoundAgain) {
  RedisServer own;
  const auto redis = connected(own.url());
  EXPECT_EQ(said(*redis, {"SET", "k", "v"}), "OK");
  own.freeze();
  auto on_its_way = sent(*redis, {"INCR", "k2"});
  own.kill();
  EXPECT_THAT(words(got(std::move(on_its_way))), testing::AnyOf("lost?", "unreachable")) << "unless it was not written";
  // The first attempt after it fails, and nobody waits for the next ones.
  ASSERT_TRUE(notes.until([](const auto& all) { return all.back() == "unreachable"; }));
  EXPECT_EQ(said(*redis, {"GET", "k"}), "unreachable");
  EXPECT_FALSE(redis->open());
  own.start();
  ASSERT_TRUE(notes.until([](const auto& all) { return all.back() == "opened"; }));
  EXPECT_EQ(said(*redis, {"GET", "k"}), "nil") << "it kept nothing";
}

TEST_F(ConnectionTest, AConnectionThatTheServerEndsIsMadeAgainAndCommandsWaitForIt) {
  RedisServer own;
  const auto redis = connected(own.url());
  EXPECT_EQ(said(*redis, {"SET", "k", "v"}), "OK");
  own.cli({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
  ASSERT_TRUE(notes.until_count(2));
  EXPECT_EQ(said(*redis, {"GET", "k"}), "v");
  EXPECT_THAT(notes.all(), testing::ElementsAre("opened", "lost", "opened"));
}

TEST_F(ConnectionTest, AServerThatDoesNotAnswerIsLeft) {
  RedisServer own;
  Policy policy = quick();
  policy.command_timeout = Millis{300};
  const auto redis = connected(own.url(), policy);
  ASSERT_TRUE(until_said(*redis, {"PING"}, "PONG"));
  own.freeze();
  EXPECT_EQ(said(*redis, {"SET", "k", "v"}), "timeout?");
  own.thaw();
  EXPECT_TRUE(until_said(*redis, {"PING"}, "PONG"));
}

TEST_F(ConnectionTest, NobodyListens) {
  ServerUrl url = server().url();
  {
    RedisServer own;
    url = own.url();
  }
  const auto redis = connected(url);
  const Answer answer = ask(*redis, {"PING"});
  ASSERT_EQ(words(answer), "unreachable");
  EXPECT_THAT(answer.error().what, testing::HasSubstr("cannot connect to 127.0.0.1"));
}

TEST_F(ConnectionTest, WhatIsNoRedisIsSaidToBeNone) {
  // A server with TLS takes our PING for a broken handshake and ends; one of HTTP would answer it.
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 8), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::jthread peer([&] {
    const int socket = ::accept(listener, nullptr, nullptr);
    const std::string_view answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
    EXPECT_EQ(::write(socket, answer.data(), answer.size()), static_cast<ssize_t>(answer.size()));
    char byte = 0;
    while (::read(socket, &byte, 1) > 0) {}
    ::close(socket);
  });
  {
    const auto redis = connected({.host = "127.0.0.1", .port = ntohs(address.sin_port)});
    const Answer answer = ask(*redis, {"PING"});
    ASSERT_EQ(words(answer), "protocol");
    EXPECT_THAT(answer.error().what, testing::HasSubstr("does not speak RESP2"));
  }
  peer.join();
  ::close(listener);
}

TEST_F(ConnectionTest, AWrongPasswordIsRefusedAndShownNowhere) {
  RedisServer own({.arguments = {"--requirepass", "s3cr3t"}});
  ServerUrl url = own.url();
  EXPECT_EQ(said(*connected(url), {"PING"}), "login") << "none at all";
  url.password = "wr0ng";
  const Answer answer = ask(*connected(url), {"PING"});
  ASSERT_EQ(words(answer), "login");
  EXPECT_THAT(answer.error().what, testing::Not(testing::HasSubstr("wr0ng")));
  url.password = "s3cr3t";
  EXPECT_EQ(said(*connected(url), {"PING"}), "PONG");
  EXPECT_EQ(said(*connected(url), {"ACL", "SETUSER", "ann", "on", ">hers", "~*", "+ping", "+get"}), "OK");
  url.user = "ann";
  EXPECT_EQ(said(*connected(url), {"PING"}), "login");
  url.password = "hers";
  const auto ann = connected(url);
  EXPECT_EQ(said(*ann, {"GET", "k"}), "nil");
  EXPECT_EQ(said(*ann, {"SET", "k", "v"}), "login") << "not permitted";
}

TEST_F(ConnectionTest, AFullServerAndAReadOnlyOneAreToldApart) {
  RedisServer own;
  const auto redis = connected(own.url());
  own.cli({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_EQ(said(*redis, {"SET", "k", "v"}), "memory");
  own.cli({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_EQ(said(*redis, {"SET", "k", "v"}), "OK");
  own.cli({"CONFIG", "SET", "min-replicas-to-write", "1"});
  EXPECT_EQ(said(*redis, {"SET", "k", "v"}), "read_only");
}

TEST_F(ConnectionTest, NoMoreCommandsWaitThanItsPolicyAllows) {
  RedisServer own;
  Policy policy = quick();
  policy.waiting_commands = 3;
  policy.waiting_bytes = 200;
  const auto redis = connected(own.url(), policy);
  ASSERT_TRUE(notes.until_count(1));
  own.freeze();
  std::vector<std::future<Answer>> answers;
  for (int i = 0; i < 3; ++i) answers.push_back(sent(*redis, {"INCR", "k"}));
  EXPECT_EQ(said(*redis, {"INCR", "k"}), "full");
  own.thaw();
  for (auto& answer : answers) EXPECT_TRUE(got(std::move(answer)));
  EXPECT_EQ(said(*redis, {"GET", "k"}), "3");
}

TEST_F(ConnectionTest, ItsEndFailsWhatHasNoReply) {
  RedisServer own;
  auto redis = connected(own.url());
  ASSERT_TRUE(notes.until_count(1));
  own.freeze();
  auto answer = sent(*redis, {"INCR", "k"});
  redis.reset();
  EXPECT_THAT(words(got(std::move(answer))), testing::StartsWith("closed"));
}

TEST(BackoffTest, GrowsToItsMostAndIsNeverLessThanHalf) {
  Backoff backoff(Millis{100}, Millis{1'000});
  FixedEntropy entropy;
  for (const int wait : {100, 200, 400, 800, 1'000, 1'000}) {
    const auto next = backoff.next(entropy);
    EXPECT_GE(next.count(), wait / 2);
    EXPECT_LE(next.count(), wait);
  }
  backoff.reset();
  EXPECT_LE(backoff.next(entropy).count(), 100);
}

} // namespace
} // namespace foyer::redis

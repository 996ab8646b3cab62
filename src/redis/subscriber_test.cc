// A subscriber, a publisher and a real server.
#include "redis/subscriber.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "redis/testing/answers.h"
#include "redis/testing/redis_server.h"

namespace foyer::redis {
namespace {

using testing_world::RedisServer;
using Subscribed = std::expected<bool, Failure>;

Policy quick() { return {.backoff_first = Millis{5}, .backoff_most = Millis{20}}; }

class SubscriberTest : public testing::Test {
 protected:
  SubscriberTest() { make(); }
  void make(Policy policy = quick()) {
    subscriber = std::make_unique<Subscriber>(Server{.url = server.url()}, policy, system_entropy(),
        Subscriber::Events{.message = [this](const std::string& channel, std::string payload) {
      notes.add(channel + "=" + payload);
    }, .again = [this](const std::string& channel) {
      notes.add("again " + channel);
    }, .lost = [this](const Failure& failure) { lost.add(std::string(to_string(failure.kind))); }});
  }
  std::future<Subscribed> subscribing(std::string channel) {
    auto promise = std::make_shared<std::promise<Subscribed>>();
    subscriber->subscribe(std::move(channel), [promise](Subscribed answer) { promise->set_value(std::move(answer)); });
    return promise->get_future();
  }
  std::string subscribe(std::string channel) {
    const auto answer = got(subscribing(std::move(channel)));
    return answer ? "listens" : std::string(to_string(answer.error().kind));
  }
  std::string publish(std::string channel, std::string payload) {
    return said(publisher, {"PUBLISH", std::move(channel), std::move(payload)});
  }

  RedisServer server;
  Notes notes, lost;
  Connection publisher{{.url = server.url()}, quick(), system_entropy()};
  std::unique_ptr<Subscriber> subscriber;
};

TEST_F(SubscriberTest, HearsWhatIsPublishedAfterTheAnswer) {
  EXPECT_EQ(subscribe("tea"), "listens");
  EXPECT_EQ(publish("tea", "1"), "1");
  EXPECT_EQ(publish("milk", "1"), "0");
  EXPECT_EQ(subscribe("milk"), "listens");
  EXPECT_EQ(subscribe("milk"), "listens") << "a second time";
  EXPECT_EQ(publish("milk", std::string("\0\r\n", 3)), "1");
  EXPECT_EQ(publish("tea", "2"), "1");
  ASSERT_TRUE(notes.until_count(3));
  EXPECT_THAT(notes.all(), testing::ElementsAre("tea=1", "milk=" + std::string("\0\r\n", 3), "tea=2"));
}

TEST_F(SubscriberTest, HearsNothingOfAChannelThatItLeft) {
  for (const char* channel : {"tea", "milk"}) EXPECT_EQ(subscribe(channel), "listens");
  subscriber->unsubscribe("tea");
  subscriber->unsubscribe("never");
  EXPECT_EQ(subscribe("beer"), "listens") << "the orders are carried out in their order";
  EXPECT_EQ(publish("tea", "1"), "0");
  EXPECT_EQ(publish("milk", "1"), "1");
  EXPECT_EQ(subscribe("tea"), "listens");
  EXPECT_EQ(publish("tea", "2"), "1");
  ASSERT_TRUE(notes.until_count(2));
  EXPECT_THAT(notes.all(), testing::ElementsAre("milk=1", "tea=2"));
}

TEST_F(SubscriberTest, OrdersInQuickSuccessionEndAsTheLastOneSays) {
  EXPECT_EQ(subscribe("water"), "listens");
  server.freeze(); // it confirms nothing in between
  auto first = subscribing("tea");
  subscriber->unsubscribe("tea");
  auto second = subscribing("tea");
  auto third = subscribing("milk");
  subscriber->unsubscribe("milk");
  server.thaw();
  EXPECT_FALSE(got(std::move(first)));
  EXPECT_TRUE(got(std::move(second)));
  EXPECT_EQ(publish("tea", "1"), "1");
  EXPECT_FALSE(got(std::move(third)));
  EXPECT_EQ(subscribe("beer"), "listens");
  EXPECT_EQ(publish("milk", "1"), "0");
  ASSERT_TRUE(notes.until_count(1));
  EXPECT_THAT(notes.all(), testing::ElementsAre("tea=1"));
}

TEST_F(SubscriberTest, MoreChannelsThanOneBatchHoldsAreAllSubscribedAndAgain) {
  constexpr std::size_t kChannels = 2 * kSubscribeBatch + 3;
  std::vector<std::future<Subscribed>> answers;
  for (std::size_t i = 0; i < kChannels; ++i) answers.push_back(subscribing("room" + std::to_string(i)));
  for (auto& answer : answers) EXPECT_TRUE(got(std::move(answer)));
  EXPECT_EQ(server.cli({"PUBSUB", "NUMSUB", "room0"}), "room0\n1");

  server.kill();
  ASSERT_TRUE(lost.until_count(2));
  server.start();
  ASSERT_TRUE(notes.until_count(kChannels));
  const auto all = notes.all();
  EXPECT_EQ(all.size(), kChannels);
  EXPECT_TRUE(std::ranges::all_of(all, [](const auto& note) { return note.starts_with("again room"); }));
  EXPECT_EQ(server.cli({"PUBLISH", "room1026", "x"}), "1");
  ASSERT_TRUE(notes.until_count(kChannels + 1));
  EXPECT_EQ(notes.all().back(), "room1026=x");
}

TEST_F(SubscriberTest, WhatWasOrderedWithoutAConnectionIsCarriedOutWithTheNext) {
  EXPECT_EQ(subscribe("tea"), "listens");
  EXPECT_EQ(subscribe("milk"), "listens");
  server.kill();
  ASSERT_TRUE(lost.until_count(2));
  subscriber->unsubscribe("milk");
  EXPECT_EQ(subscribe("beer"), "unreachable") << "nobody waits for a server that is away";
  EXPECT_EQ(subscribe("wine"), "unreachable");
  subscriber->unsubscribe("wine");
  server.start();
  ASSERT_TRUE(notes.until_count(2));
  EXPECT_THAT(notes.all(), testing::UnorderedElementsAre("again tea", "again beer"));
  EXPECT_THAT(server.cli({"PUBSUB", "CHANNELS"}),
      testing::AllOf(testing::HasSubstr("beer"), testing::Not(testing::HasSubstr("milk")),
          testing::Not(testing::HasSubstr("wine"))));
}

TEST_F(SubscriberTest, AServerThatFallsSilentIsLeftAndFoundAgain) {
  Policy policy = quick();
  policy.idle = Millis{200};
  make(policy);
  EXPECT_EQ(subscribe("tea"), "listens");
  server.freeze();
  ASSERT_TRUE(lost.until([](const auto& all) { return !all.empty() && all[0] == "timeout"; }));
  server.thaw();
  ASSERT_TRUE(notes.until_count(1));
  EXPECT_EQ(notes.all()[0], "again tea");
}

TEST_F(SubscriberTest, AnIdleOneStaysConnectedWithAndWithoutChannels) {
  Policy policy = quick();
  policy.idle = Millis{400};
  make(policy);
  ASSERT_EQ(subscribe("tea"), "listens");
  subscriber->unsubscribe("tea");
  // PING is answered in either state: the server counts them.
  const auto pings = [&] {
    const std::string stats = server.cli({"INFO", "commandstats"});
    const auto at = stats.find("cmdstat_ping:calls=");
    return at == std::string::npos ? 0 : std::atoi(stats.c_str() + at + 19);
  };
  const int before = pings();
  while (pings() < before + 1) {}
  ASSERT_EQ(subscribe("tea"), "listens");
  const int then = pings();
  while (pings() < then + 1) {}
  EXPECT_THAT(lost.all(), testing::IsEmpty());
}

TEST_F(SubscriberTest, ItsEndRefusesWhatWaits) {
  server.freeze();
  auto answer = subscribing("tea");
  subscriber.reset();
  const auto refused = got(std::move(answer));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Failure::Kind::closed);
  server.thaw();
}

} // namespace
} // namespace foyer::redis

// Questions against a scripted network, in virtual time. tests/system/asking.test.mjs asks a real application.
#include "asking/asker.h"

#include <gmock/gmock.h>

#include <deque>
#include <string>

#include "base/json.h"
#include "base/manual_executor.h"

namespace foyer::asking {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Holds every request until the test answers it.
class Network final : public auth::Transport {
 public:
  struct Held {
    auth::Call call;
    client::HttpCompletion done;
  };
  explicit Network(std::deque<Held>& held) : held_(held) {}
  void send(auth::Call call, client::HttpCompletion done) override {
    held_.push_back({std::move(call), std::move(done)});
  }

 private:
  std::deque<Held>& held_;
};

struct AskerTest : testing::Test {
  Asker& asker() {
    if (!asker_) {
      std::vector<Server> servers;
      for (const Table& table : tables)
        servers.push_back({.table = table,
            .target = "/" + table.name,
            .key = std::string(32, 'k'),
            .transport = std::make_unique<Network>(requests)});
      asker_ = std::make_unique<Asker>(AskerDeps{.clock = clock,
                                           .entropy = entropy,
                                           .log = null_log(),
                                           .metrics = metrics,
                                           .control = control,
                                           .user_agent = "foyer"},
          std::move(servers));
    }
    return *asker_;
  }
  void subscribe(const std::string& user, const std::string& room) {
    asker().subscribe({.client = {.id = "1", .user = UserId{user}, .name = user}, .room = RoomName{room}},
        [this, who = user + " in " + room](Result<SubscribeAnswer> said) {
      answers.push_back(!said ? who + ": " + std::string(said.error().code()) + " " + said.error().evidence
              : said->disconnect.has_value() ? who + ": disconnect " + said->disconnect->detail
                                             : who + ": yes");
    });
    control.run_due();
  }
  void publish(const std::string& text) {
    asker().publish({.client = {.id = "1", .user = UserId{"ann"}, .name = "ann"},
                        .room = RoomName{"tea"},
                        .chat = true,
                        .data = text},
        [this](Result<PublishAnswer> said) {
      answers.push_back(!said ? std::string(said.error().code()) + " " + said.error().evidence
                              : "yes " + said->data.value_or("unchanged"));
    });
    control.run_due();
  }
  // The oldest request gets this answer.
  void answer(client::HttpResult result) {
    ASSERT_FALSE(requests.empty());
    auto held = std::move(requests.front());
    requests.pop_front();
    held.done(std::move(result));
    control.run_due();
  }
  void answer(std::string body) { answer(json_response(200, std::move(body))); }
  void refuse_connection() {
    answer(std::unexpected(client::NetError{client::NetError::Kind::connect, "refused"}));
    pass(clock, control, Millis{200}); // longer than a wait between attempts
  }

  std::vector<Table> tables{{.name = "shop", .events = {"subscribe", "publish"}}};
  ManualClock clock;
  FixedEntropy entropy;
  Metrics metrics;
  ManualExecutor control{clock};
  std::deque<Network::Held> requests;
  std::vector<std::string> answers;

 private:
  std::unique_ptr<Asker> asker_;
};

TEST_F(AskerTest, TheFirstTableThatHasTheEventAndTheRoomIsAsked) {
  tables = {{.name = "a", .events = {"subscribe"}, .rooms = {"orders-*", "private:x*"}},
      {.name = "b", .events = {"subscribe", "connect"}}};
  EXPECT_TRUE(asker().asks(Event::connect, ""));
  EXPECT_FALSE(asker().asks(Event::publish, "orders-7"));
  EXPECT_TRUE(asker().asks(Event::subscribe, "private:x1"));
  EXPECT_FALSE(asker().asks(Event::subscribe, "private:y")) << "a pattern reaches private rooms by their prefix";
  subscribe("ann", "orders-7");
  subscribe("ann", "tea");
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].call.target, "/a");
  EXPECT_EQ(requests[1].call.target, "/b");
}

TEST_F(AskerTest, YesNoAndDisconnect) {
  subscribe("ann", "tea");
  subscribe("bob", "tea");
  subscribe("eve", "tea");
  answer(R"({"result":{}})");
  answer(R"({"error":{"code":4001,"message":"no"}})");
  answer(R"({"disconnect":{"code":4002,"reason":"out"}})");
  EXPECT_THAT(answers,
      ElementsAre("ann in tea: yes", "bob in tea: APP_REFUSED the application answered error 4001: no",
          "eve in tea: disconnect 4002: out"));
}

TEST_F(AskerTest, TheAnswerMayChangeTheMessage) {
  publish("damn");
  answer(R"({"result":{"data":{"message":"d***"}}})");
  publish("fine");
  answer(R"({"result":{}})");
  EXPECT_THAT(answers, ElementsAre("yes d***", "yes unchanged"));
}

TEST_F(AskerTest, ARefusedConnectionIsTriedAgainWithTheSameId) {
  publish("hi");
  const std::string id = *requests[0].call.headers.find("webhook-id");
  refuse_connection();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(*requests[0].call.headers.find("webhook-id"), id);
  EXPECT_FALSE(requests[0].call.repeatable);
  answer(R"({"result":{}})");
  EXPECT_THAT(answers, ElementsAre("yes unchanged"));
}

TEST_F(AskerTest, AMessageThatWentOutIsNotSentTwice) {
  publish("hi");
  answer(std::unexpected(client::NetError{client::NetError::Kind::closed, "reset", client::NetError::Phase::waiting}));
  EXPECT_TRUE(requests.empty());
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_THAT(answers[0], testing::StartsWith("APP_UNAVAILABLE ask \"shop\", publish: waiting: reset"));
}

TEST_F(AskerTest, AnApplicationThatIsAwayIsNotAskedForAWhileAndAskedAgainLater) {
  for (int i = 0; i < 5; ++i) {
    subscribe("ann", "tea");
    while (!requests.empty()) refuse_connection();
  }
  const std::size_t before = answers.size();
  subscribe("ann", "tea");
  EXPECT_TRUE(requests.empty());
  EXPECT_THAT(answers.back(), HasSubstr("APP_UNAVAILABLE ask \"shop\", subscribe: stopped calling at"));
  EXPECT_EQ(asker().status()[0].breaker.state, auth::BreakerStatus::State::open);
  EXPECT_EQ(answers.size(), before + 1);
  pass(clock, control, Millis{5'000});
  subscribe("ann", "tea");
  answer(R"({"result":{}})");
  EXPECT_EQ(answers.back(), "ann in tea: yes");
  EXPECT_EQ(asker().status()[0].breaker.state, auth::BreakerStatus::State::closed);
}

TEST_F(AskerTest, AnApplicationThatWantsAPauseGetsIt) {
  Response busy = json_response(503, "");
  busy.headers.add("Retry-After", "3");
  publish("a");
  answer(busy);
  EXPECT_EQ(answers.size(), 1U) << "no other attempt";
  publish("b");
  EXPECT_TRUE(requests.empty());
  EXPECT_THAT(answers.back(), HasSubstr("asked not to be asked for another"));
  pass(clock, control, Millis{3'000});
  publish("c");
  EXPECT_EQ(requests.size(), 1U);
}

TEST_F(AskerTest, AnswersAreRememberedByUserAndRoomForAWhile) {
  tables[0].ask_cache = Millis{10'000};
  subscribe("ann", "tea");
  answer(R"({"result":{}})");
  subscribe("bob", "tea");
  answer(R"({"error":{"code":1}})");
  subscribe("ann", "tea");
  subscribe("bob", "tea");
  EXPECT_TRUE(requests.empty());
  EXPECT_THAT(answers,
      ElementsAre("ann in tea: yes", HasSubstr("bob in tea: APP_REFUSED"), "ann in tea: yes",
          HasSubstr("bob in tea: APP_REFUSED")));
  subscribe("ann", "coffee");
  EXPECT_EQ(requests.size(), 1U);
  answer("<html>"); // not remembered
  subscribe("ann", "coffee");
  EXPECT_EQ(requests.size(), 1U);
  pass(clock, control, Millis{10'000});
  subscribe("ann", "tea");
  EXPECT_EQ(requests.size(), 2U);
  publish("hi");
  answer(R"({"result":{}})"), answer(R"({"result":{}})"), answer(R"({"result":{}})");
  publish("hi");
  EXPECT_EQ(requests.size(), 1U) << "a message is always asked about";
}

TEST_F(AskerTest, AnAnswerIsNotRememberedBeyondTheEndThatItGives) {
  tables[0].ask_cache = Millis{60'000};
  subscribe("ann", "tea");
  answer(R"({"result":{"expire_at":)" + std::to_string(unix_seconds(clock.wall()) + 5) + "}}");
  pass(clock, control, Millis{6'000});
  subscribe("ann", "tea");
  EXPECT_EQ(requests.size(), 1U);
}

TEST_F(AskerTest, TheNumberOfQuestionsUnderWayIsBounded) {
  for (std::size_t i = 0; i < kQuestions; ++i) publish("hi");
  EXPECT_TRUE(answers.empty());
  publish("one more");
  EXPECT_THAT(answers, ElementsAre(HasSubstr("BUSY ask \"shop\", publish: ask_questions: 1000")));
  EXPECT_THAT(metrics.text(), HasSubstr(R"(foyer_limit_refused_total{limit="ask_questions"} 1)"));
}

TEST_F(AskerTest, QuestionsAreCountedByOutcome) {
  publish("a");
  answer(R"({"result":{}})");
  publish("b");
  answer(R"({"error":{"code":1}})");
  publish("c");
  answer("nonsense");
  const std::string text = metrics.text();
  for (const auto* outcome : {"allowed", "refused", "failed"})
    EXPECT_THAT(text,
        HasSubstr(
            R"(foyer_ask_questions_total{ask="shop",event="publish",outcome=")" + std::string(outcome) + R"("} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(foyer_ask_failed_attempts_total{ask="shop",cause="APP_ANSWER_INVALID"} 1)"));
}

TEST_F(AskerTest, OnlyTheNamedHeadersAreKept) {
  tables = {{.name = "a", .events = {"connect"}, .headers = {"cookie"}},
      {.name = "b", .events = {"publish"}, .headers = {"x-tenant"}}};
  const auto kept = asker().keep({{"Cookie", "a=b"}, {"Authorization", "Bearer x"}, {"X-Tenant", "7"}});
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->headers.list().size(), 2U);
  EXPECT_EQ(asker().keep({{"Accept", "*/*"}}), nullptr);
}

} // namespace
} // namespace foyer::asking

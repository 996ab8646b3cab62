// The revocation stream: it misses no event, delays none, and recovers from every fault; in virtual time.
#include "auth/revocation_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/testing/links_world.h"

namespace foyer::auth {
namespace {

using namespace testing_world;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// An auth service with a table of revocations that can grow, be replaced, and answer in pages.
class Stream : public testing::Test {
 protected:
  Stream() {
    w.server.serve = [this](const Request& request, VirtualServer::Reply reply) { asked(request, std::move(reply)); };
  }
  void watch() {
    stream.watch([this](const std::vector<RevocationEvent>& events) {
      for (const auto& event : events) seen.push_back(event.id);
    }, [this](WallTime at) { synchronised.push_back(at); });
  }
  void asked(const Request& request, VirtualServer::Reply reply) {
    const auto question = decode_revocation_question(json::parse(request.body)->as_object());
    ASSERT_TRUE(question);
    waits.push_back(question->wait.count());
    if (script) return reply(script(*question));
    if (static_cast<std::size_t>(question->after) < rows.size() || question->wait == Millis{0})
      return reply(answer(question->after));
    auto held = std::make_shared<Held>(Held{question->after, std::move(reply)});
    holding.push_back(held);
    w.control.after(question->wait, [this, held] { release(*held); });
  }
  client::HttpResult answer(std::int64_t after) {
    RevocationAnswer out{.stream = name, .cursor = after, .events = {}, .more = false};
    for (auto i = static_cast<std::size_t>(after); i < rows.size() && out.events.size() < page; ++i)
      out.events.push_back({RevocationEvent::Kind::session, rows[i], w.clock.wall(), {}});
    out.cursor += static_cast<std::int64_t>(out.events.size());
    out.more = static_cast<std::size_t>(out.cursor) < rows.size();
    return VirtualServer::json(200, encode(out));
  }
  void revoke(std::string id) {
    rows.push_back(std::move(id));
    for (const auto& held : std::exchange(holding, {})) release(*held);
  }
  struct Held {
    std::int64_t after;
    VirtualServer::Reply reply;
  };
  void release(Held& held) {
    if (auto reply = std::exchange(held.reply, nullptr)) reply(answer(held.after));
  }
  static client::HttpResult say(
      std::string stream, std::int64_t cursor, bool more = false, std::vector<RevocationEvent> events = {}) {
    return VirtualServer::json(200,
        encode(RevocationAnswer{
            .stream = std::move(stream), .cursor = cursor, .events = std::move(events), .more = more}));
  }
  [[nodiscard]] std::string fault() const {
    const auto status = stream.status();
    return status.fault ? std::string(status.fault->code()) : "none";
  }

  LinkWorld w;
  std::string name = "table-1";
  std::vector<std::string> rows;
  std::size_t page = 100;
  std::vector<std::shared_ptr<Held>> holding;
  std::function<client::HttpResult(const RevocationRequest&)> script;
  std::vector<std::int64_t> waits;
  std::vector<std::string> seen;
  std::vector<WallTime> synchronised;
  const ServiceIdentity identity{"gateway-1", kServiceSecret};
  RevocationStream stream{w.around(w.server), identity};
};

TEST_F(Stream, BeginsWithTheFirstRowAndKnowsAtOnceThatThereIsNoMore) {
  rows = {"a", "b"};
  const WallTime sent = w.clock.wall();
  watch();
  EXPECT_FALSE(stream.status().last_success);
  w.pass(Millis{10});
  EXPECT_THAT(seen, ElementsAre("a", "b"));
  EXPECT_THAT(synchronised, ElementsAre(sent)) << "the time of the request, not of the answer";
  EXPECT_THAT(waits, ElementsAre(0, 25'000));
  EXPECT_EQ(stream.status().last_success, sent);
}

TEST_F(Stream, AForgedAnswerIsNoSignThatNothingWasRevoked) {
  w.server.sign_answers = false;
  rows = {"s1"};
  watch();
  w.pass(Millis{100});
  EXPECT_EQ(fault(), "AUTH_ANSWER_UNSIGNED");
  EXPECT_THAT(seen, IsEmpty());
  EXPECT_THAT(synchronised, IsEmpty());
  w.server.sign_answers = true;
  w.pass(Millis{10'000});
  EXPECT_EQ(fault(), "none");
  EXPECT_THAT(seen, ElementsAre("s1"));
}

TEST_F(Stream, AnEventArrivesWhileTheQuestionWaits) {
  watch();
  w.pass(Millis{5'000});
  EXPECT_THAT(seen, ElementsAre());
  revoke("a");
  w.pass(Millis{5});
  EXPECT_THAT(seen, ElementsAre("a"));
  revoke("b");
  revoke("c");
  w.pass(Millis{10});
  EXPECT_THAT(seen, ElementsAre("a", "b", "c"));
}

TEST_F(Stream, ALongTableComesInPagesAndIsSynchronisedAfterTheLast) {
  page = 2;
  rows = {"a", "b", "c", "d", "e"};
  watch();
  w.pass(Millis{3});
  EXPECT_THAT(seen, ElementsAre("a", "b"));
  EXPECT_THAT(synchronised, ElementsAre());
  w.pass(Millis{10});
  EXPECT_THAT(seen, ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(synchronised.size(), 1U);
}

TEST_F(Stream, SilenceIsAskedForAgainAndAgain) {
  watch();
  w.pass(Millis{100'000});
  EXPECT_EQ(synchronised.size(), 4U) << "every 25 s";
  EXPECT_EQ(w.server.attempts, 5U);
}

TEST_F(Stream, EveryWeatherIsAFaultByItsNameAndPassesWithoutAMissingRow) {
  watch();
  w.pass(Millis{100});
  std::vector<std::string> expected;
  for (const auto& row : all_weathers()) {
    SCOPED_TRACE(row.name);
    w.server.always = row.weather;
    expected.push_back("before " + std::string(row.name));
    revoke(expected.back()); // answers the waiting poll, so that the next one meets the fault
    w.pass(Millis{31'000});
    EXPECT_EQ(fault(), std::string(info(row.cause).code));
    EXPECT_LT(*stream.status().last_success, w.clock.wall() - Millis{30'000});
    expected.push_back("during " + std::string(row.name));
    revoke(expected.back());
    w.server.always = Weather::fine;
    w.pass(Millis{36'000}); // a hanging poll lasts up to 30 s, the back-off 5
    EXPECT_EQ(fault(), "none");
    EXPECT_EQ(seen, expected);
  }
  EXPECT_EQ(w.log.count("revocations_heard_again"), all_weathers().size());
}

TEST_F(Stream, ABrokenConnectionIsAskedAgainAfterATenthOfASecond) {
  watch();
  w.pass(Millis{100});
  w.server.always = Weather::reset_waiting;
  revoke("a");
  w.pass(Millis{10});
  EXPECT_EQ(fault(), "AUTH_SERVICE_CONNECTION_ERROR");
  w.server.always = Weather::fine;
  w.pass(Millis{140});
  EXPECT_EQ(fault(), "none");
  EXPECT_THAT(waits, ElementsAre(0, 25'000, 25'000, 0, 25'000));
}

TEST_F(Stream, TheBackOffGrowsToFiveSecondsAndIsForgottenAfterSuccess) {
  w.server.always = Weather::refused;
  watch();
  w.pass(Millis{60'000});
  EXPECT_GE(w.server.attempts, 12U); // at most 5 s apart, after 0.1 0.2 … 3.2
  EXPECT_LE(w.server.attempts, 35U); // at least half of that
  EXPECT_EQ(w.log.count("revocations_not_heard"), 1U) << "said once";
  w.server.always = Weather::fine;
  w.pass(Millis{5'010});
  EXPECT_EQ(synchronised.size(), 1U);
  w.server.always = Weather::refused;
  revoke("a");
  w.pass(Millis{20});
  w.server.always = Weather::fine;
  w.pass(Millis{100});
  EXPECT_THAT(seen, ElementsAre("a"));
  EXPECT_EQ(fault(), "none");
}

TEST_F(Stream, AnotherTableIsReadFromItsFirstRow) {
  rows = {"a", "b", "c"};
  watch();
  w.pass(Millis{100});
  name = "table-2";
  rows = {"x", "y", "z", "zz"};
  for (const auto& held : std::exchange(holding, {})) release(*held);
  w.pass(Millis{300});
  EXPECT_THAT(seen, ElementsAre("a", "b", "c", "x", "y", "z", "zz"));
  EXPECT_EQ(w.log.count("revocations_begin_again"), 1U);
}

TEST_F(Stream, ACursorThatGoesBackOrStandsStillIsAFaultAndNoLoop) {
  const RevocationEvent event{RevocationEvent::Kind::session, "a", w.clock.wall(), {}};
  bool first = true;
  script = [&](const RevocationRequest& question) {
    if (std::exchange(first, false)) return say("t", 7, false, {event});
    return question.after == 7 ? say("t", 3) : say("t", 5, false, {event});
  };
  watch();
  w.pass(Millis{10});
  EXPECT_EQ(fault(), "INVALID_RESPONSE_FORMAT");
  EXPECT_THAT(stream.status().fault->evidence, HasSubstr("from 7 to 3"));
  script = [&](const RevocationRequest& question) { return say("t", question.after, true); };
  w.pass(Millis{60'000});
  EXPECT_EQ(fault(), "INVALID_RESPONSE_FORMAT");
  EXPECT_LE(w.server.attempts, 40U);
}

TEST_F(Stream, AServerThatNeverWaitsIsNotAskedWithoutPause) {
  script = [](const RevocationRequest& question) { return say("t", question.after); };
  watch();
  w.pass(Millis{10'000});
  EXPECT_LE(w.server.attempts, 110U);
  EXPECT_GE(synchronised.size(), 90U);
}

// The general property, over random faults and random revocations.
TEST(StreamProperty, EveryRowArrivesOnceAndInOrderWhateverHappensBetween) {
  class Any : public Stream {
   public:
    explicit Any(std::uint64_t seed) : entropy(seed) {}
    void TestBody() override {
      page = 1 + entropy.below(4);
      watch();
      for (int step = 0; step < 60; ++step) {
        const auto& weathers = all_weathers();
        w.server.always = entropy.below(3) == 0 ? Weather::fine : weathers[entropy.below(weathers.size())].weather;
        for (auto n = entropy.below(4); n > 0; --n) revoke(std::to_string(rows.size()));
        w.pass(Millis{static_cast<int>(entropy.below(9'000))});
      }
      w.server.always = Weather::fine;
      w.pass(Millis{40'000});
      EXPECT_EQ(seen, rows);
      EXPECT_EQ(fault(), "none");
      EXPECT_TRUE(std::ranges::is_sorted(synchronised));
    }
    FixedEntropy entropy;
  };
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    Any(seed).TestBody();
  }
}

} // namespace
} // namespace foyer::auth

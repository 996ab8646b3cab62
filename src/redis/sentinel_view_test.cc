#include "redis/sentinel_view.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>

namespace foyer::redis {
namespace {

using testing::HasSubstr;
using Said = std::expected<SentinelAnswer, std::string>;

Reply text(std::string what) { return {.kind = Reply::Kind::text, .text = std::move(what)}; }
Reply list(const std::vector<std::string>& words) {
  Reply out{.kind = Reply::Kind::array};
  for (const auto& word : words) out.items.push_back(text(word));
  return out;
}

TEST(SentinelAnswers, AreReadWithTheirEpochAndFlags) {
  const auto answer = read_sentinel_answer(
      list({"10.0.0.1", "6379"}), list({"name", "main", "flags", "s_down,o_down,master", "config-epoch", "7"}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->primary, (Endpoint{"10.0.0.1", 6379}));
  EXPECT_EQ(answer->epoch, 7U);
  EXPECT_TRUE(answer->sees_down);
  EXPECT_EQ(answer->flags, "s_down,o_down,master");
  EXPECT_FALSE(read_sentinel_answer(list({"::1", "1"}), list({"flags", "master,not_s_down"}))->sees_down);
  EXPECT_EQ(read_sentinel_answer(list({"a", "1"}), {.kind = Reply::Kind::error, .text = "NOPERM"})->epoch, 0U);
}

TEST(SentinelAnswers, AreNotBelievedWhenTheyAreNone) {
  EXPECT_THAT(read_sentinel_answer({}, list({})).error(), HasSubstr("no primary of that name"));
  EXPECT_THAT(read_sentinel_answer({.kind = Reply::Kind::error, .text = "NOPERM no"}, {}).error(), HasSubstr("NOPERM"));
  for (const auto& wrong : std::vector<std::vector<std::string>>{{}, {"a"}, {"a", "0"}, {"a", "65536"}, {"", "1"},
           {"a b", "1"}, {"a", "1", "2"}, {"a", "1x"}, {std::string(300, 'a'), "1"}})
    EXPECT_FALSE(read_sentinel_answer(list(wrong), list({"flags"})));
}

class SentinelViewTest : public testing::Test {
 protected:
  // "P7": names P with epoch 7; "!": does not answer; "P7v": counts it as down.
  void say(std::size_t sentinel, const std::string& what) {
    if (what == "!") return view.said(sentinel, std::unexpected("is away"), now);
    SentinelAnswer answer{.primary = {what.substr(0, 1), 1}, .epoch = static_cast<std::uint64_t>(what[1] - '0')};
    answer.sees_down = what.ends_with('v');
    answer.flags = answer.sees_down ? "master,s_down" : "master";
    view.said(sentinel, answer, now);
  }
  std::string primary() { return view.primary() ? view.primary()->host : "none"; }

  MonoTime now{};
  SentinelView view{{{"s1", 26379}, {"s2", 26379}, {"s3", 26379}}};
};

TEST_F(SentinelViewTest, TheFirstAnswerIsTakenAndTheHigherEpochWins) {
  EXPECT_EQ(primary(), "none");
  say(0, "A4");
  EXPECT_EQ(primary(), "A");
  say(1, "B5");
  EXPECT_EQ(primary(), "B");
  say(0, "A4");
  say(2, "A4");
  EXPECT_EQ(primary(), "B") << "they have not heard of the failover";
}

TEST_F(SentinelViewTest, WhoeverKnewOfTheFailoverMayDieAndNothingGoesBack) {
  say(0, "A4");
  say(1, "B5");
  say(1, "!");
  EXPECT_EQ(primary(), "B");
  now += kSentinelPatience - Millis{1};
  say(0, "A4");
  EXPECT_EQ(primary(), "B");
  say(2, "B5");
  now += kSentinelPatience;
  say(0, "A4");
  EXPECT_EQ(primary(), "B");
}

TEST_F(SentinelViewTest, SentinelsThatWereSetUpAnewAreFollowedInTime) {
  say(0, "A4");
  say(0, "C0");
  say(1, "C0");
  EXPECT_EQ(primary(), "A");
  now += kSentinelPatience;
  say(1, "C0");
  EXPECT_EQ(primary(), "C");
}

TEST_F(SentinelViewTest, TroubleIsThatNobodyNamesAPrimary) {
  EXPECT_FALSE(view.trouble()) << "nobody was asked yet";
  say(0, "!");
  say(1, "!");
  EXPECT_FALSE(view.trouble());
  say(2, "!");
  EXPECT_EQ(view.trouble(), "is away; is away; is away");
  say(1, "A1");
  EXPECT_FALSE(view.trouble());
}

TEST_F(SentinelViewTest, MoreThanHalfOfThemMayBeBlind) {
  for (std::size_t i = 0; i < 3; ++i) say(i, "A1");
  EXPECT_FALSE(view.sees_down());
  say(0, "A1v");
  EXPECT_FALSE(view.sees_down());
  say(2, "A1v");
  EXPECT_EQ(view.sees_down(), "s1:26379 says master,s_down; s3:26379 says master,s_down");
  say(1, "B2");
  EXPECT_FALSE(view.sees_down()) << "it is another primary now";
}

// Failovers one after another, of which each sentinel hears at some time, may be cut off, or restart and answer with
// what it last wrote down. Within the patience nothing goes back, and the newest that anybody says is followed at once.
TEST(SentinelHistories, NeverGoBackAndFollowAtOnce) {
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&](std::uint64_t n) { return random() % n; };
    const std::size_t count = 1 + below(5);
    std::vector<Endpoint> at;
    for (std::size_t i = 0; i < count; ++i) at.push_back({"s", static_cast<std::uint16_t>(i + 1)});
    SentinelView view(at);
    std::vector<std::uint64_t> knows(count, 1);
    std::uint64_t epoch = 1, seen = 0;
    MonoTime now{};
    const auto primary_of = [](std::uint64_t e) { return Endpoint{"p", static_cast<std::uint16_t>(1 + e % 1'000)}; };
    for (int step = 0; step < 200; ++step) {
      now += Millis{below(30)}; // 200 steps are less than the patience
      const std::size_t i = below(count);
      if (below(10) == 0) knows[below(count)] = ++epoch;
      if (below(3) == 0) knows[i] = std::max(knows[i], knows[below(count)]);
      if (below(5) == 0) {
        view.said(i, std::unexpected("is away"), now);
      } else {
        view.said(i, SentinelAnswer{.primary = primary_of(knows[i]), .epoch = knows[i]}, now);
        seen = std::max(seen, knows[i]);
      }
      if (seen == 0) continue;
      ASSERT_EQ(view.primary(), primary_of(seen)) << "seed " << seed << ", step " << step;
    }
  }
}

} // namespace
} // namespace foyer::redis

#include "redis/cluster_view.h"

#include <gmock/gmock.h>

#include <random>

namespace foyer::redis {
namespace {

using testing::HasSubstr;
using Kind = Reply::Kind;

TEST(Slots, AreThoseOfTheServer) {
  EXPECT_EQ(slot_of(""), 0);
  EXPECT_EQ(slot_of("123456789"), 12'739);
  EXPECT_EQ(slot_of("foo"), 12'182);
  EXPECT_EQ(slot_of("{user1000}.following"), slot_of("user1000"));
  EXPECT_EQ(slot_of("foo{}{bar}"), 8'363);
  EXPECT_EQ(slot_of("foo{{bar}}zap"), slot_of("{bar"));
  EXPECT_EQ(slot_of("foo{bar}{zap}"), slot_of("bar"));
  for (std::size_t slot = 0; slot < kSlots; ++slot)
    ASSERT_EQ(slot_of("foyer:canary{" + tag_of(static_cast<Slot>(slot)) + "}"), slot);
}

TEST(Redirects, AreReadFromTheLastColon) {
  const Endpoint asked{"10.0.0.9", 7000};
  EXPECT_EQ(read_redirect("MOVED 3999 127.0.0.1:6381", asked), (Redirect{.slot = 3999, .to = {"127.0.0.1", 6381}}));
  EXPECT_EQ(read_redirect("ASK 0 ::1:6381", asked), (Redirect{.ask = true, .to = {"::1", 6381}}));
  EXPECT_EQ(read_redirect("MOVED 16383 :6381", asked), (Redirect{.slot = 16'383, .to = {"10.0.0.9", 6381}}));
  for (const char* wrong : {"", "MOVED", "MOVED 1", "MOVED 16384 a:1", "MOVED -1 a:1", "MOVED 1 a:0", "MOVED 1 a:65536",
           "MOVED 1 a", "MOVED x a:1", "moved 1 a:1", "MOVED 1 a b:1", "CLUSTERDOWN Hash slot not served"})
    EXPECT_FALSE(read_redirect(wrong, asked)) << wrong;
}

Reply text(std::string what) { return {.kind = Kind::text, .text = std::move(what)}; }
Reply number(std::int64_t value) { return {.kind = Kind::integer, .integer = value}; }
Reply node(Reply host, std::int64_t port) {
  return {.kind = Kind::array, .items = {std::move(host), number(port), text("id"), {.kind = Kind::array}}};
}
Reply range(std::int64_t first, std::int64_t last, std::vector<Reply> nodes) {
  Reply out{.kind = Kind::array, .items = {number(first), number(last)}};
  for (Reply& each : nodes) out.items.push_back(std::move(each));
  return out;
}

TEST(SlotMaps, AreReadFromClusterSlots) {
  const Endpoint asked{"10.0.0.9", 7000};
  const auto map = read_slots({.kind = Kind::array,
                                  .items = {range(0, 99, {node(text("a"), 1), node(text("b"), 2)}),
                                      range(200, 299, {node({}, 3)}), range(100, 100, {node(text(""), 3)})}},
      asked);
  ASSERT_TRUE(map);
  EXPECT_EQ(*map->at(50), (Endpoint{"a", 1}));
  EXPECT_EQ(*map->at(100), (Endpoint{"10.0.0.9", 3}));
  EXPECT_EQ(*map->at(250), (Endpoint{"10.0.0.9", 3}));
  EXPECT_EQ(map->at(101), nullptr);
  EXPECT_EQ(map->covered(), 201U);
  EXPECT_THAT(map->lowest(), testing::ElementsAre(0, 100));
  EXPECT_THAT(map->replicas(), testing::ElementsAre(Endpoint{"b", 2}));
}

TEST(SlotMaps, AreNotReadFromWhatIsNone) {
  const auto wrong = [](Reply reply) { return !read_slots(reply, {"a", 1}).has_value(); };
  EXPECT_TRUE(wrong({}));
  EXPECT_TRUE(wrong({.kind = Kind::array, .items = {number(1)}}));
  for (const Reply& each : {range(0, 16'384, {node(text("a"), 1)}), range(-1, 5, {node(text("a"), 1)}),
           range(5, 4, {node(text("a"), 1)}), range(0, 1, {}), range(0, 1, {node(text("a"), 0)}),
           range(0, 1, {node(text("a b"), 1)}), range(0, 1, {text("a")})})
    EXPECT_TRUE(wrong({.kind = Kind::array, .items = {each}}));
  EXPECT_TRUE(
      wrong({.kind = Kind::array, .items = {range(0, 5, {node(text("a"), 1)}), range(5, 9, {node(text("b"), 1)})}}))
      << "two have one slot";
}

TEST(ClusterInfo, HasStateAndEpoch) {
  const auto info = read_cluster_info("cluster_state:ok\r\ncluster_slots_ok:16384\r\ncluster_current_epoch:7\r\n");
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->ok);
  EXPECT_EQ(info->epoch, 7U);
  EXPECT_FALSE(read_cluster_info("cluster_state:fail\n")->ok);
  EXPECT_FALSE(read_cluster_info("ERR"));
  EXPECT_FALSE(read_cluster_info("cluster_state:ok\ncluster_current_epoch:x"));
}

class ClusterViewTest : public testing::Test {
 protected:
  static SlotMap all_at(const std::string& host) {
    SlotMap out;
    for (std::size_t slot = 0; slot < kSlots; ++slot) out.set(static_cast<Slot>(slot), {host, 1});
    return out;
  }
  void say(const std::string& from, std::uint64_t epoch, SlotMap slots, bool ok = true) {
    view.said({from, 1}, ClusterAnswer{.state = {.ok = ok, .epoch = epoch}, .slots = std::move(slots)}, now);
  }
  void silent(const std::string& from) { view.said({from, 1}, std::unexpected(from + " is away"), now); }
  std::string of(Slot slot) { return view.map()->at(slot) == nullptr ? "none" : view.map()->at(slot)->host; }

  MonoTime now{};
  ClusterView view{{{"a", 1}, {"b", 1}}};
};

TEST_F(ClusterViewTest, TheNewestAnswerCountsAndAnOldOneDoesNot) {
  EXPECT_FALSE(view.trouble());
  say("a", 4, all_at("a"));
  EXPECT_EQ(of(7), "a");
  say("b", 5, all_at("b"));
  EXPECT_EQ(of(7), "b");
  say("a", 4, all_at("a"));
  EXPECT_EQ(of(7), "b") << "it was frozen, and has not heard";
  now += kClusterPatience;
  say("a", 1, all_at("a"));
  EXPECT_EQ(of(7), "a") << "the cluster was set up anew";
}

TEST_F(ClusterViewTest, ARedirectionIsBelievedAtOnce) {
  say("a", 4, all_at("a"));
  view.moved({.slot = 7, .to = {"c", 1}});
  EXPECT_EQ(of(7), "c");
  EXPECT_EQ(of(8), "a");
  EXPECT_THAT(view.nodes(), testing::Contains(Endpoint{"c", 1}));
}

TEST_F(ClusterViewTest, ANodeThatLostTheOthersTakesNoSlotsAway) {
  say("a", 4, all_at("a"));
  say("b", 4, SlotMap(), false);
  EXPECT_EQ(of(7), "a");
}

TEST_F(ClusterViewTest, TroubleIsThatAllAreSilentOrCallItDown) {
  silent("a");
  EXPECT_FALSE(view.trouble()) << "b is being asked";
  silent("b");
  EXPECT_EQ(view.trouble(), "a is away; b is away");
  say("a", 1, all_at("a"), false);
  EXPECT_THAT(*view.trouble(), HasSubstr("down"));
  say("a", 1, all_at("a"));
  EXPECT_FALSE(view.trouble());
  SlotMap half;
  for (Slot slot = 0; slot < 100; ++slot) half.set(slot, {"a", 1});
  say("a", 2, half);
  EXPECT_THAT(*view.trouble(), HasSubstr("16284 slots"));
}

} // namespace
} // namespace foyer::redis

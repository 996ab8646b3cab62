#include "admission/users_elsewhere.h"

#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <vector>

namespace foyer::admission {
namespace {

constexpr Millis kTick{1'000};
const UserId kAnn("ann");

// Nodes that pass on to each other what they report, when the test says so.
class Nodes : public testing::Test {
 protected:
  struct Node {
    Node(std::string n, std::uint32_t limit, const Clock& clock)
        : name(std::move(n)),
          own(limit),
          elsewhere(limit, kTick, clock, [this] { woken = true; }) {
      own.count_with(elsewhere);
    }
    std::string name;
    bool woken = false;
    UserConnections own;
    UsersElsewhere elsewhere;
    std::vector<Permit> open;

    std::optional<Cause> connect(const UserId& user = kAnn) {
      auto permit = own.connect(user);
      if (!permit) return permit.error().cause;
      open.push_back(std::move(*permit));
      return std::nullopt;
    }
  };
  void make(std::size_t count, std::uint32_t limit) {
    for (std::size_t i = 0; i < count; ++i)
      nodes.push_back(std::make_unique<Node>("n" + std::to_string(i), limit, clock));
    for (auto& node : nodes) node->elsewhere.tick(count, node->own);
  }
  // Everything arrives, as long as somebody has something to say. How many reports there were.
  std::size_t pass() {
    std::size_t reports = 0;
    for (bool more = true; more;) {
      more = false;
      for (auto& from : nodes) {
        if (!from || !std::exchange(from->woken, false)) continue;
        const auto said = from->elsewhere.take(from->own);
        reports += said.size();
        more = more || !said.empty();
        for (auto& to : nodes)
          if (to && to != from) to->elsewhere.heard(from->name, said);
      }
    }
    return reports;
  }
  void tick(int ticks) {
    for (int i = 0; i < ticks; ++i) {
      clock.advance(kTick);
      const auto living = static_cast<std::size_t>(std::ranges::count_if(nodes, [](const auto& n) { return bool(n); }));
      for (auto& node : nodes)
        if (node) node->elsewhere.tick(living, node->own);
      pass();
    }
  }

  ManualClock clock;
  std::vector<std::unique_ptr<Node>> nodes;
};

TEST_F(Nodes, TogetherAdmitAsManyAsOneWould) {
  make(3, 7);
  for (int i = 0; i < 7; ++i) {
    EXPECT_FALSE(nodes[static_cast<std::size_t>(i % 3)]->connect()) << i;
    pass();
  }
  for (auto& node : nodes) EXPECT_EQ(node->connect(), Cause::USER_CONNECTION_LIMIT);
  nodes[1]->open.pop_back();
  pass();
  EXPECT_FALSE(nodes[2]->connect());
  pass();
  EXPECT_EQ(nodes[0]->connect(), Cause::USER_CONNECTION_LIMIT);
  EXPECT_FALSE(nodes[0]->connect(UserId("bob")));
}

TEST_F(Nodes, AUserWithFewConnectionsIsNeverReported) {
  make(3, 100);
  for (auto& node : nodes)
    for (int i = 0; i < 33; ++i) ASSERT_FALSE(node->connect());
  EXPECT_EQ(pass(), 0U);
  ASSERT_FALSE(nodes[0]->connect()); // its share: 100 / 3, rounded up
  EXPECT_EQ(pass(), 3U) << "one report, and the answers of the others";
  EXPECT_EQ(nodes[1]->connect(), Cause::USER_CONNECTION_LIMIT);
}

TEST_F(Nodes, ADeadNodeIsForgottenAfterTenTicksAndALivingOneIsNot) {
  make(2, 4);
  ASSERT_FALSE(nodes[0]->connect());
  for (int i = 0; i < 3; ++i) ASSERT_FALSE(nodes[1]->connect());
  pass();
  tick(UsersElsewhere::kReportTicks * 3);
  EXPECT_EQ(nodes[0]->connect(), Cause::USER_CONNECTION_LIMIT) << "reports are repeated";
  nodes[1].reset();
  tick(UsersElsewhere::kReportTicks - UsersElsewhere::kRepeatTicks - 1);
  EXPECT_EQ(nodes[0]->connect(), Cause::USER_CONNECTION_LIMIT);
  tick(UsersElsewhere::kRepeatTicks + 1);
  EXPECT_FALSE(nodes[0]->connect());
}

TEST_F(Nodes, AReportThatIsLostIsRepeated) {
  make(2, 4);
  for (int i = 0; i < 3; ++i) ASSERT_FALSE(nodes[1]->connect());
  static_cast<void>(nodes[1]->elsewhere.take(nodes[1]->own)); // on its way, and lost
  nodes[1]->woken = false;
  tick(UsersElsewhere::kRepeatTicks + 1);
  ASSERT_FALSE(nodes[0]->connect());
  EXPECT_EQ(nodes[0]->connect(), Cause::USER_CONNECTION_LIMIT);
}

TEST_F(Nodes, AShareThatFallsIsReportedByThoseWhoHaveIt) {
  make(2, 4);
  nodes.push_back(std::make_unique<Node>("late", 4, clock));
  ASSERT_FALSE(nodes[0]->connect());
  ASSERT_FALSE(nodes[1]->connect());
  for (auto& node : nodes) node->elsewhere.tick(4, node->own); // with a fourth one: a share of one
  pass();
  ASSERT_FALSE(nodes[2]->connect());
  pass();
  ASSERT_FALSE(nodes[2]->connect());
  pass();
  EXPECT_EQ(nodes[0]->connect(), Cause::USER_CONNECTION_LIMIT);
}

} // namespace
} // namespace foyer::admission

#include "protocol/budget.h"

#include <gtest/gtest.h>

namespace foyer::protocol {
namespace {

const MonoTime kStart{std::chrono::seconds{1'000}};

TEST(CostOf, ACommandThatReadsManyRowsTakesAsMuchAsManyMessages) {
  const auto cost = [](CommandType type, std::optional<std::uint32_t> limit = {}, bool since = false) {
    Command command;
    command.type = type;
    command.limit = limit;
    if (since) command.since = Since{};
    return cost_of(command);
  };
  EXPECT_EQ(cost(CommandType::chat), 1U);
  EXPECT_EQ(cost(CommandType::rooms), 21U);
  EXPECT_EQ(cost(CommandType::rooms, 10), 1U);
  EXPECT_EQ(cost(CommandType::rooms, 4'000'000'000), 21U) << "this is the longest page";
  EXPECT_EQ(cost(CommandType::history), 2U);
  EXPECT_EQ(cost(CommandType::history, 300), 7U);
  EXPECT_EQ(cost(CommandType::join), 1U);
  EXPECT_EQ(cost(CommandType::join, 50, true), 3U);
  EXPECT_EQ(cost(CommandType::direct), 5U);
}

TEST(BadMessageWindow, ForgivesWhenTenSecondsHavePassed) {
  BadMessageWindow window;
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(window.one_more_is_too_many(kStart, 3));
  EXPECT_TRUE(window.one_more_is_too_many(kStart + Millis{9'999}, 3));
  EXPECT_FALSE(window.one_more_is_too_many(kStart + Millis{10'000}, 3));
}

} // namespace
} // namespace foyer::protocol

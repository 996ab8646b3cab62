#include "gateway/asked_rooms.h"

#include <gtest/gtest.h>

namespace foyer::gateway {
namespace {

CommandOrder::Waiting command(std::string text) { return {.text = std::move(text)}; }

TEST(AskedRooms, ARoomHoldsBackItsOwnCommandsOnlyAndInTheirOrder) {
  AskedRooms rooms;
  const auto tea = rooms.hold(RoomName{"tea"});
  EXPECT_TRUE(rooms.holds("tea"));
  EXPECT_FALSE(rooms.holds("coffee"));
  EXPECT_TRUE(rooms.wait("tea", command("a")));
  EXPECT_TRUE(rooms.wait("tea", command("b")));
  const auto coffee = rooms.hold(RoomName{"coffee"});
  EXPECT_NE(tea, coffee);
  const auto waited = rooms.let_go(tea);
  ASSERT_EQ(waited.size(), 2U);
  EXPECT_EQ(waited[0].text + waited[1].text, "ab");
  EXPECT_FALSE(rooms.holds("tea"));
  EXPECT_TRUE(rooms.holds("coffee"));
  EXPECT_TRUE(rooms.let_go(tea).empty()) << "once";
}

TEST(AskedRooms, WhatWaitsIsBoundedOverAllRooms) {
  AskedRooms rooms;
  const auto tea = rooms.hold(RoomName{"tea"});
  (void)rooms.hold(RoomName{"coffee"});
  EXPECT_TRUE(rooms.wait("tea", command(std::string(CommandOrder::kWaitingBytes, 'x')))) << "one always may";
  EXPECT_FALSE(rooms.wait("coffee", command("y")));
  (void)rooms.let_go(tea);
  EXPECT_TRUE(rooms.wait("coffee", command("y")));
}

TEST(AskedRooms, TheNumberOfRoomsIsBounded) {
  AskedRooms rooms;
  for (std::size_t i = 0; i < AskedRooms::kMost; ++i) {
    EXPECT_FALSE(rooms.full());
    EXPECT_NE(rooms.hold(RoomName{std::to_string(i)}) & AskedRooms::kMark, 0U);
  }
  EXPECT_TRUE(rooms.full());
}

} // namespace
} // namespace foyer::gateway

#include "gateway/memberships.h"

#include <gtest/gtest.h>

#include <map>

#include "gateway/shard.h"

namespace foyer::gateway {
namespace {

TEST(Memberships, HoldWhatAMapHolds) {
  LocalRoom rooms[6];
  Memberships memberships;
  std::map<const LocalRoom*, std::uint32_t> expected;
  std::uint64_t state = 1;
  for (std::uint32_t step = 0; step < 5'000; ++step) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    LocalRoom& room = rooms[(state >> 33) % 6];
    const std::size_t at = memberships.find([&room](const LocalRoom& one) { return &one == &room; });
    ASSERT_EQ(at == memberships.size(), !expected.contains(&room));
    if (at == memberships.size()) {
      memberships.add({.room = &room, .index = step});
      expected[&room] = step;
    } else if ((state >> 50) % 2 == 0) {
      memberships.moved(room, step);
      expected[&room] = step;
    } else {
      memberships.remove(at);
      expected.erase(&room);
    }
    std::map<const LocalRoom*, std::uint32_t> found;
    for (std::size_t i = 0; i < memberships.size(); ++i) found[memberships[i].room] = memberships[i].index;
    ASSERT_EQ(found, expected);
    ASSERT_EQ(memberships.empty(), expected.empty());
  }
}

} // namespace
} // namespace foyer::gateway

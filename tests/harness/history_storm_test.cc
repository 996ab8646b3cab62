// A few seeds of each trouble in every run; more of them: HISTORIES=100 harness_test --gtest_filter='*Histor*'
#include "harness/history_storm.h"

#include <gtest/gtest.h>

#include <cstdlib>

using foyer::harness::HistoryStorm;
using foyer::harness::Trouble;

namespace {

std::uint64_t histories() {
  const char* asked = std::getenv("HISTORIES");
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : 4;
}

struct Sum {
  int went_back = 0, recovered = 0, not_recovered = 0, closed = 0, resets = 0;
  void add(const HistoryStorm& storm) {
    went_back += storm.went_back();
    recovered += storm.recovered();
    not_recovered += storm.not_recovered();
    closed += storm.closed();
    resets += storm.resets();
  }
  void tell(std::string_view what) const {
    fmt::print("{}: {} histories, went back {} times, recovered:true {} times, false {}, 4503 {}, room_reset {}\n",
        what, histories(), went_back, recovered, not_recovered, closed, resets);
  }
};

Sum storms(Trouble trouble, std::string_view name) {
  Sum sum;
  for (std::uint64_t seed = 1; seed <= histories() && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    HistoryStorm storm(seed, trouble);
    storm.run();
    storm.recording().write_if_asked(fmt::format("histories-{}-{}", name, seed));
    sum.add(storm);
  }
  return sum;
}

TEST(Histories, ACopyOfAllDataThatIsPutBackTellsNobodyWhoShowsTheTimeThatItMissedNothing) {
  const Sum sum = storms(Trouble::copies, "copies");
  sum.tell("copies");
  EXPECT_GT(sum.went_back, 0);
  EXPECT_GT(sum.recovered, 0);
}

TEST(Histories, ADatabaseThatIsPutBackBeneathOrBetweenServersResetsEveryRoomThatIsBehind) {
  const Sum sum = storms(Trouble::database, "database");
  sum.tell("database");
  EXPECT_GT(sum.went_back, 0);
  EXPECT_GT(sum.resets, 0);
  EXPECT_GT(sum.closed, 0);
}

TEST(Histories, LostAnswersAndReadsThatFailLeaveNoGapAtAListener) {
  const Sum sum = storms(Trouble::answers, "answers");
  sum.tell("answers");
  EXPECT_GT(sum.recovered, 0);
  EXPECT_GT(sum.closed, 0);
}

} // namespace

#include "base/allowance.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace foyer {
namespace {

const MonoTime kStart{std::chrono::seconds{1'000}};

// One unit is requested at each of these milliseconds; `expected` has a dot for each that was
// taken, otherwise the number of milliseconds left to wait.
struct Row {
  const char* what;
  Allowance allowance;
  std::vector<std::int64_t> at;
  const char* expected;
};

TEST(Meter, TakesABurstAndThenTheRate) {
  const Row rows[] = {
      {"a burst, and not one more", {10, 3}, {0, 0, 0, 0, 0}, ". . . 100 100"},
      {"waiting as long as required is enough", {10, 3}, {0, 0, 0, 0, 100, 100}, ". . . 100 . 100"},
      {"a refused request costs nothing", {10, 1}, {0, 20, 40, 60, 80, 100}, ". 80 60 40 20 ."},
      {"a pause restores the burst and no more than that", {10, 2}, {0, 0, 60'000, 60'000, 60'000}, ". . . . 100"},
      {"a rate that does not divide a second", {3, 1}, {0, 333, 334}, ". 1 ."},
      {"one a second", {1, 1}, {0, 999, 1'000}, ". 1 ."},
      {"the fastest rate there is", {1'000'000'000, 1'000'000'000}, {0, 0, 0}, ". . ."},
  };
  for (const Row& row : rows) {
    Meter meter;
    std::string got;
    for (const auto ms : row.at) {
      const Millis wait = meter.take(row.allowance, kStart + Millis{ms});
      got += (got.empty() ? "" : " ") + (wait.count() == 0 ? std::string(".") : std::to_string(wait.count()));
    }
    EXPECT_EQ(got, row.expected) << row.what;
  }
}

TEST(Meter, WhatHasComeIsChargedInAnyCaseAndAFloodIsABurstTooMuch) {
  const Allowance bytes{1'000, 4'000};
  Meter meter;
  meter.charge(bytes, kStart, 4'000);
  EXPECT_EQ(meter.overdrawn(bytes, kStart), Millis{0});
  meter.charge(bytes, kStart, 1'000);
  EXPECT_EQ(meter.overdrawn(bytes, kStart), Millis{1'000});
  EXPECT_FALSE(meter.flooded(bytes, kStart));
  meter.charge(bytes, kStart, 3'001);
  EXPECT_TRUE(meter.flooded(bytes, kStart));
  EXPECT_EQ(meter.overdrawn(bytes, kStart + Millis{4'001}), Millis{0});
  EXPECT_FALSE(meter.flooded(bytes, kStart + Millis{1})) << "a millisecond pays for one byte";
}

TEST(Meter, AWholeReadBufferAtTheSlowestRateDoesNotOverflow) {
  const Allowance slow{1'024, 1'024};
  Meter meter;
  meter.charge(slow, kStart, 256 * 1024);
  EXPECT_EQ(meter.overdrawn(slow, kStart), Millis{255'000});
  EXPECT_TRUE(meter.flooded(slow, kStart));
}

TEST(SharedMeter, ManyThreadsTakeNoMoreThanTheAllowanceAndWhatIsGivenBackIsThere) {
  const Allowance allowance{100, 1'000};
  SharedMeter meter;
  std::atomic<int> taken{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i)
          if (meter.take(allowance, kStart).count() == 0) ++taken;
      });
  }
  EXPECT_EQ(taken, 1'000);
  EXPECT_EQ(meter.take(allowance, kStart, 5), Millis{50});
  meter.give_back(allowance, 5);
  EXPECT_EQ(meter.take(allowance, kStart, 5), Millis{0});
  EXPECT_FALSE(meter.whole(kStart + Millis{9'999}));
  EXPECT_TRUE(meter.whole(kStart + Millis{10'000}));
}

} // namespace
} // namespace foyer

#include "gateway/socket_end.h"

#include <gtest/gtest.h>

namespace foyer::gateway {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr SocketEnd fin_after(Millis idle) { return {.way = EndWay::fin, .age = seconds{500}, .idle = idle}; }

TEST(SocketEnd, TheUsualTimeOutsOfProxiesHaveBucketsOfTheirOwn) {
  EXPECT_EQ(idle_label(idle_bucket(Millis{0})), "below 1s");
  EXPECT_EQ(idle_label(idle_bucket(Millis{30'300})), "29s to 32s");
  EXPECT_EQ(idle_label(idle_bucket(Millis{60'900})), "59s to 62s");
  EXPECT_EQ(idle_label(idle_bucket(seconds{400})), "above 5m");
}

TEST(SocketEnd, AProxyThatCutsQuietSocketsIsNamedAtTheFourthEndOfOneAge) {
  IdleTimeoutDetector detector;
  MonoTime now{seconds{1'000}};
  for (const int extra : {0, 120, 250})
    EXPECT_FALSE(detector.ended(fin_after(Millis{60'000 + extra}), "10.0.0.9", now += seconds{7}));
  const auto found =
      detector.ended({.way = EndWay::reset, .age = seconds{70}, .idle = Millis{60'300}}, "10.0.0.9", now += seconds{7});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->cause, Cause::PROXY_IDLE_TIMEOUT);
  EXPECT_EQ(found->evidence,
      "the last 4 sockets from 10.0.0.9 that ended without a Close did so 60.0 to 60.3 s after their last byte, the "
      "last one by RST");
  EXPECT_FALSE(detector.ended(fin_after(Millis{60'100}), "10.0.0.9", now += seconds{7})) << "once is enough";
  std::optional<Refusal> again;
  for (int i = 0; i < 4; ++i) again = detector.ended(fin_after(Millis{60'100}), "10.0.0.9", now += minutes{11});
  EXPECT_TRUE(again) << "after a while it is reported again";
}

TEST(SocketEnd, EndsOfDifferentAgesOrPeersOrTogetherSayNothing) {
  IdleTimeoutDetector detector;
  MonoTime now{seconds{1'000}};
  for (int i = 0; i < 40; ++i)
    EXPECT_FALSE(detector.ended(fin_after(Millis{2'000 + i % 4 * 900}), "10.0.0.9", now += seconds{2}));
  for (int i = 0; i < 20; ++i)
    EXPECT_FALSE(detector.ended(fin_after(Millis{60'000}),
        i % 2 == 0 ? "10.0.1." + std::to_string(i) : "10.0.2.1" + std::to_string(i), now += seconds{2}));
  for (int i = 0; i < 100; ++i)
    EXPECT_FALSE(detector.ended(fin_after(Millis{9'000}), "10.0.3.1", now))
        << "a restart of the proxy, after a message to all";
  for (int i = 0; i < 10; ++i)
    EXPECT_FALSE(detector.ended(fin_after(Millis{500}), "10.0.4.1", now += seconds{2})) << "a tab that is closed";
  for (int i = 0; i < 10; ++i)
    EXPECT_FALSE(
        detector.ended({.way = EndWay::client_close, .age = {}, .idle = seconds{60}}, "10.0.5.1", now += seconds{2}));
}

} // namespace
} // namespace foyer::gateway

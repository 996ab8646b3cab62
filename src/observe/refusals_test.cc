#include "observe/refusals.h"

#include <gmock/gmock.h>

#include <mutex>

namespace foyer::observe {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

RefusalRecord refused(Cause cause, std::string address, std::string ref, WallTime time = {}) {
  RefusalRecord record;
  record.ref = Ref(std::move(ref));
  record.refusal.cause = cause;
  record.time = time;
  record.address = std::move(address);
  return record;
}

std::vector<std::string> refs(const std::vector<RefusalRecord>& records) {
  std::vector<std::string> out;
  for (const auto& record : records) out.push_back(record.ref.str());
  return out;
}

TEST(RefusalRing, GivesTheNewestFirst) {
  RefusalRing ring;
  EXPECT_TRUE(ring.record(refused(Cause::NO_TOKEN, "10.0.0.1", "a")));
  EXPECT_TRUE(ring.record(refused(Cause::NO_TOKEN, "10.0.0.2", "b")));
  EXPECT_TRUE(ring.record(refused(Cause::TOKEN_EXPIRED, "10.0.0.1", "c")));
  EXPECT_THAT(refs(ring.find({})), testing::ElementsAre("c", "b", "a"));
  EXPECT_THAT(refs(ring.find({.cause = Cause::NO_TOKEN})), testing::ElementsAre("b", "a"));
  EXPECT_THAT(refs(ring.find({.limit = 1})), testing::ElementsAre("c"));
  EXPECT_THAT(ring.find({.ref = Ref("unknown")}), IsEmpty());
}

TEST(RefusalRing, CountsEqualCodeAndAddressWithinASecond) {
  RefusalRing ring;
  const WallTime t0{Millis{1'000'000}};
  EXPECT_TRUE(ring.record(refused(Cause::NO_TOKEN, "10.0.0.1", "a", t0)));
  EXPECT_FALSE(ring.record(refused(Cause::NO_TOKEN, "10.0.0.1", "b", t0 + Millis{999})));
  EXPECT_TRUE(ring.record(refused(Cause::NO_TOKEN, "10.0.0.1", "c", t0 + Millis{1000})))
      << "a second after the first, a new record begins";
  const auto all = ring.find({});
  ASSERT_THAT(refs(all), testing::ElementsAre("c", "a"));
  EXPECT_EQ(all[0].count, 1u);
  EXPECT_EQ(all[1].count, 2u);
}

TEST(RefusalRing, FindsACountedRefusalUnderItsOwnRef) {
  RefusalRing ring;
  ring.record(refused(Cause::NO_TOKEN, "10.0.0.1", "a"));
  ring.record(refused(Cause::NO_TOKEN, "10.0.0.1", "b"));
  const auto found = ring.find({.ref = Ref("b")});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].ref, Ref("b"));
  EXPECT_EQ(found[0].count, 2u);
}

TEST(RefusalRing, AFloodOfOneCodeKeepsSixtyFourAndSparesTheOthers) {
  RefusalRing ring;
  ring.record(refused(Cause::TOKEN_EXPIRED, "10.0.0.1", "precious"));
  for (int i = 0; i < 5000; ++i)
    ring.record(refused(Cause::NO_TOKEN, "10.1.0." + std::to_string(i), "r" + std::to_string(i)));
  EXPECT_EQ(ring.size(), 65u);
  const auto flood = ring.find({.cause = Cause::NO_TOKEN});
  ASSERT_THAT(flood, SizeIs(64));
  EXPECT_EQ(flood.front().ref, Ref("r4999"));
  EXPECT_EQ(flood.back().ref, Ref("r4936"));
  EXPECT_THAT(ring.find({.ref = Ref("precious")}), SizeIs(1));
}

TEST(RefusalRing, SeventyFailedLoginsFromElsewhereLeaveAnotherClientsRefusal) {
  for (const bool one_address : {true, false}) {
    RefusalRing ring;
    ring.record(refused(Cause::CREDENTIALS_REJECTED, "203.0.113.9", "mine"));
    for (int i = 0; i < 70; ++i)
      ring.record(refused(Cause::CREDENTIALS_REJECTED, one_address ? "198.51.100.1" : "198.51.100." + std::to_string(i),
          "f" + std::to_string(i), WallTime{std::chrono::seconds{2 * i}}));
    EXPECT_THAT(ring.find({.ref = Ref("mine")}), SizeIs(1)) << (one_address ? "of one address" : "of one network");
    EXPECT_THAT(ring.find({.ref = Ref("f69")}), SizeIs(1));
    EXPECT_THAT(ring.find({.ref = Ref("f0")}), IsEmpty()) << "a flood displaces its own records";
  }
}

TEST(RefusalRing, HoldsAThousandAndTwentyFourInAllAndGivesAThousand) {
  RefusalRing ring;
  for (const CauseInfo& cause : all_causes())
    for (int i = 0; i < 20; ++i)
      ring.record(refused(cause.cause, "10.0.0." + std::to_string(i), std::string(cause.code) + std::to_string(i)));
  ASSERT_GT(all_causes().size() * 20, RefusalRing::kInAll);
  EXPECT_EQ(ring.size(), 1024u);
  EXPECT_THAT(ring.find({.limit = 5000}), SizeIs(1000));
  EXPECT_THAT(ring.find({.ref = Ref(std::string(all_causes().front().code) + "0")}), IsEmpty()) << "the oldest went";
}

// Keeps the lines as the JSON sink writes them.
class Lines final : public Log {
 public:
  void write(Level level, std::string_view event, std::string_view message,
      std::initializer_list<Field> fields) noexcept override {
    const std::scoped_lock lock(mutex_);
    lines.push_back(format_line(LogFormat::json, "T", level, event, message, fields));
  }
  [[nodiscard]] bool enabled(Level) const noexcept override { return true; }
  std::vector<std::string> lines;

 private:
  std::mutex mutex_;
};

struct Reporting : testing::Test {
  RefusalRing ring;
  Metrics metrics;
  Lines log;
  ManualClock clock;
  RefusalReporter reporter{ring, metrics, log, clock};

  void report(Cause cause, std::string address, std::string ref) {
    reporter.report(refused(cause, std::move(address), std::move(ref), clock.wall()));
  }
};

TEST_F(Reporting, ARefusalIsReported_InTheRingTheMetricAndTheLog) {
  auto record = refused(Cause::ORIGIN_NOT_ALLOWED, "10.0.0.1", "ref1", clock.wall());
  record.refusal.evidence = "origin https://evil.example";
  record.origin = "https://evil.example";
  record.path = "/ws/chat";
  record.user = "alice";
  record.times.spent[static_cast<std::size_t>(Step::readiness)] = std::chrono::microseconds{4};
  record.times.spent[static_cast<std::size_t>(Step::transport)] = std::chrono::microseconds{1500};
  reporter.report(std::move(record));

  EXPECT_THAT(ring.find({.ref = Ref("ref1")}), SizeIs(1));
  EXPECT_THAT(metrics.text(), HasSubstr("foyer_refusals_total{code=\"ORIGIN_NOT_ALLOWED\",step=\"transport\"} 1"));
  ASSERT_THAT(log.lines, SizeIs(1));
  EXPECT_THAT(log.lines[0],
      testing::AllOf(HasSubstr(R"("event":"refused")"), HasSubstr(R"("level":"warning")"),
          HasSubstr(
              R"("code":"ORIGIN_NOT_ALLOWED","step":"transport","ref":"ref1","user":"alice","address":"10.0.0.1")"),
          HasSubstr(R"("steps":"readiness 0.004, transport 1.500")"), HasSubstr("origin https://evil.example"),
          HasSubstr(R"("suppressed":0)")));
}

TEST_F(Reporting, WhatLooksLikeACredentialInAPathIsNeitherKeptNorLogged) {
  auto record = refused(Cause::UNKNOWN_PATH, "10.0.0.1", "ref1", clock.wall());
  record.path = "/ws/chat=ticket=fk_abc";
  reporter.report(std::move(record));
  EXPECT_EQ(ring.find({}).at(0).path, "/ws/chat=…");
  EXPECT_THAT(log.lines.at(0), HasSubstr(R"("path":"/ws/chat=…")"));
}

TEST_F(Reporting, EqualOnesWithinASecondAreOneLineAndTheNextLineCountsThem) {
  for (int i = 0; i < 10; ++i) report(Cause::NO_TOKEN, "10.0.0.1", "a" + std::to_string(i));
  report(Cause::NO_TOKEN, "10.0.0.2", "b");
  EXPECT_THAT(log.lines, SizeIs(2));
  EXPECT_THAT(metrics.text(), HasSubstr("foyer_refusals_total{code=\"NO_TOKEN\",step=\"credential_present\"} 11"));
  clock.advance(Millis{1000});
  report(Cause::NO_TOKEN, "10.0.0.1", "c");
  ASSERT_THAT(log.lines, SizeIs(3));
  EXPECT_THAT(log.lines[2], testing::AllOf(HasSubstr(R"("ref":"c")"), HasSubstr(R"("suppressed":9)")));
}

TEST_F(Reporting, SweepingReportsWhatNoLaterLineReported) {
  report(Cause::NO_TOKEN, "10.0.0.1", "a");
  report(Cause::NO_TOKEN, "10.0.0.1", "b");
  clock.advance(Millis{1500});
  reporter.flush();
  ASSERT_THAT(log.lines, SizeIs(2));
  EXPECT_THAT(log.lines[1], HasSubstr(R"("event":"refusals_suppressed")"));
  EXPECT_THAT(log.lines[1], HasSubstr(R"("code":"NO_TOKEN","address":"10.0.0.1","suppressed":1)"));
  reporter.flush();
  EXPECT_THAT(log.lines, SizeIs(2)) << "once";
}

TEST_F(Reporting, AFloodFromManyAddressesIsBoundedPerCodeAndCounted) {
  for (int i = 0; i < 3000; ++i)
    report(Cause::NO_TOKEN, "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256), "r");
  EXPECT_THAT(log.lines, SizeIs(RefusalReporter::kLinesPerCode));
  report(Cause::TOKEN_EXPIRED, "10.0.0.1", "other");
  EXPECT_THAT(log.lines, SizeIs(RefusalReporter::kLinesPerCode + 1)) << "another code has its own budget";
  clock.advance(Millis{2000});
  report(Cause::NO_TOKEN, "10.9.9.9", "after");
  EXPECT_THAT(log.lines.back(), testing::AllOf(HasSubstr(R"("ref":"after")"), HasSubstr(R"("suppressed":2900)")));
}

} // namespace
} // namespace foyer::observe

#include "base/log.h"

#include "base/log_budget.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/json.h"

namespace foyer {
namespace {

constexpr std::string_view kTime = "2026-01-02T03:04:05.678Z";

TEST(LogLine, IsOneJsonObject) {
  EXPECT_EQ(format_line(LogFormat::json, kTime, Level::info, "listening", "Ready.",
                {{"url", "http://x"}, {"port", 8000}, {"ok", true}, {"ms", 1.5}}),
      R"({"time":"2026-01-02T03:04:05.678Z","level":"info","event":"listening","message":"Ready.","url":"http://x","port":8000,"ok":true,"ms":1.5})");
}

TEST(LogBudget, LeavesOutWhatComesTooFastAndCountsIt) {
  LogBudget budget(2);
  const MonoTime start{Millis{5'000}};
  EXPECT_EQ(budget.take(start), 0U);
  EXPECT_EQ(budget.take(start), 0U);
  EXPECT_EQ(budget.take(start + Millis{999}), std::nullopt);
  EXPECT_EQ(budget.take(start + Millis{999}), std::nullopt);
  EXPECT_EQ(budget.take(start + Millis{1'000}), 2U);
  EXPECT_EQ(budget.take(start + Millis{1'001}), 0U);
}

TEST(LogLine, IsReadableAsText) {
  EXPECT_EQ(format_line(LogFormat::text, kTime, Level::warning, "slow", "Took long.",
                {{"ms", 7}, {"user", "a b"}, {"none", ""}}),
      "2026-01-02T03:04:05.678Z warning slow: Took long. ms=7 user=\"a b\" none=\"\"");
}

TEST(LogLine, NothingFromOutsideSteersTheTerminalOrForgesALine) {
  const std::string hostile = "x\n{\"level\":\"info\"}\x1b[2J\xc2\x9b\xff\xe2\x80\xae";
  const auto text = format_line(LogFormat::text, kTime, Level::error, "e", hostile, {{"f", hostile}});
  const auto json_line = format_line(LogFormat::json, kTime, Level::error, "e", hostile, {{"f", hostile}});
  for (const auto& line : {text, json_line}) {
    for (const char* bad : {"\n", "\x1b", "\xc2\x9b", "\xff", "\xe2\x80\xae"})
      EXPECT_EQ(line.find(bad), std::string::npos) << line;
  }
  EXPECT_TRUE(json::parse(json_line)) << json_line;
}

TEST(LogLine, StaysJsonWhateverTheNumbers) {
  const auto line = format_line(LogFormat::json, kTime, Level::debug, "e", "m",
      {{"nan", std::numeric_limits<double>::quiet_NaN()}, {"inf", std::numeric_limits<double>::infinity()}});
  EXPECT_TRUE(json::parse(line)) << line;
}

TEST(Log, WritesToStandardErrorFromItsLevelUp) {
  testing::internal::CaptureStderr();
  {
    const auto log = make_log(LogFormat::json, Level::info);
    log->debug("quiet", "not written");
    log->info("first", "one");
    log->error("second", "two", {{"n", 2}});
    EXPECT_FALSE(log->enabled(Level::debug));
  } // the destructor writes what is still queued
  const std::string out = testing::internal::GetCapturedStderr();
  EXPECT_EQ(out.find("quiet"), std::string::npos);
  EXPECT_NE(out.find("\"event\":\"first\""), std::string::npos);
  EXPECT_NE(out.find("\"event\":\"second\",\"message\":\"two\",\"n\":2}\n"), std::string::npos);
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 2);
}

TEST(Log, NullLogSwallows) {
  testing::internal::CaptureStderr();
  null_log().error("x", "y");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

} // namespace
} // namespace foyer

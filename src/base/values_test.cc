#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/http.h"
#include "base/metrics.h"
#include "base/refusal.h"

namespace foyer {
namespace {

TEST(Time, ReadsWhatItWroteAndNothingElse) {
  for (const std::int64_t ms : {0LL, 1'767'323'045'678LL, 4'102'444'799'999LL})
    EXPECT_EQ(read_rfc3339(rfc3339(from_unix_millis(ms))), from_unix_millis(ms));
  for (const char* text : {"", "2026-01-02", "2026-01-02T03:04:05.678", "2026-01-02T03:04:05.678z",
           "2026-13-02T03:04:05.678Z", "2026-01-02T03:60:05.678Z", "2026-01-02T03:04:05.67xZ"})
    EXPECT_FALSE(read_rfc3339(text)) << text;
}

TEST(Headers, AreComparedWithoutCase) {
  Headers h{{"Host", "a"}, {"X-Tag", "1"}, {"x-tag", "2"}};
  EXPECT_EQ(*h.find("HOST"), "a");
  EXPECT_EQ(h.find("absent"), nullptr);
  EXPECT_EQ(h.count("X-TAG"), 2U);
  EXPECT_EQ(h.joined("X-Tag"), "1, 2");
  EXPECT_EQ(h.joined("absent"), "");
  h.set("x-TAG", "3");
  EXPECT_EQ(h.count("x-tag"), 1U);
  EXPECT_EQ(*h.find("x-tag"), "3");
}

TEST(Request, ReadsItsQuery) {
  Request r;
  r.query = "ticket=a%2Fb&empty=&flag&ticket=second&bad=%zz";
  EXPECT_EQ(r.query_arg("ticket"), "a/b");
  EXPECT_EQ(r.query_arg("empty"), "");
  EXPECT_EQ(r.query_arg("flag"), "");
  EXPECT_EQ(r.query_arg("bad"), std::nullopt);
  EXPECT_EQ(r.query_arg("tick"), std::nullopt);
}

TEST(PercentDecode, IsStrict) {
  EXPECT_EQ(percent_decode("a%20b%C3%BC"), "a bü");
  for (const char* bad : {"%", "%2", "%g0", "%0g", "a%"}) EXPECT_EQ(percent_decode(bad), std::nullopt) << bad;
}

TEST(Scope, IsReadAndWritten) {
  EXPECT_EQ(to_scope(parse_scope("chat:write other  chat:read")), "chat:read chat:write");
  EXPECT_EQ(parse_scope(""), Permissions{});
  EXPECT_EQ(parse_scope("CHAT:READ chat:readx"), Permissions{});
  EXPECT_TRUE(parse_scope("admin").admin);
}

TEST(Refusal, GivesTheOperatorEverything) {
  const Refusal exhausted{.cause = Cause::AUTH_RETRY_EXHAUSTED,
      .evidence = "auth service 10.0.0.7:9000",
      .attempts = {{.cause = Cause::AUTH_SERVICE_TIMEOUT, .evidence = "600 ms"},
          {.cause = Cause::AUTH_SERVICE_CONNECTION_ERROR}}};
  EXPECT_EQ(exhausted.code(), "AUTH_RETRY_EXHAUSTED");
  EXPECT_EQ(exhausted.step(), Step::auth_service);
  EXPECT_EQ(exhausted.operator_text(),
      std::string(exhausted.info().operator_text) +
          " Seen: auth service 10.0.0.7:9000. Attempt 1: AUTH_SERVICE_TIMEOUT (600 ms). Attempt 2: "
          "AUTH_SERVICE_CONNECTION_ERROR.");
}

Result<int> half(int n) {
  if (n % 2 != 0) return refuse_field(Cause::BAD_REQUEST, "n", "an odd number");
  return n / 2;
}
Result<int> quarter(int n) {
  TRY(h, half(n));
  TRY_VOID(half(h));
  return h / 2;
}

TEST(Refusal, TravelsWholeThroughTry) {
  EXPECT_EQ(quarter(8), 2);
  const auto refused = quarter(6);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::BAD_REQUEST);
  EXPECT_EQ(refused.error().field, "n");
  EXPECT_EQ(refused.error().evidence, "an odd number");
}

TEST(Metrics, AreWrittenAsPrometheusText) {
  Metrics m;
  m.counter("foyer_a_total", "Counts a.\nTwice", {{"code", "X\"\\"}}).add(3);
  m.counter("foyer_a_total", "", {{"code", "X\"\\"}}).add();
  m.gauge("foyer_g", "A gauge.").set(-2);
  m.gauge_callback("foyer_c", "Read late.", [] { return 1.5; });
  auto& h = m.histogram("foyer_h_seconds", "A histogram.", {0.1, 1});
  h.observe(0.1);
  h.observe(0.5);
  h.observe(7);
  EXPECT_EQ(m.text(),
      "# HELP foyer_a_total Counts a.\\nTwice\n# TYPE foyer_a_total counter\nfoyer_a_total{code=\"X\\\"\\\\\"} 4\n"
      "# HELP foyer_g A gauge.\n# TYPE foyer_g gauge\nfoyer_g -2\n"
      "# HELP foyer_c Read late.\n# TYPE foyer_c gauge\nfoyer_c 1.5\n"
      "# HELP foyer_h_seconds A histogram.\n# TYPE foyer_h_seconds histogram\n"
      "foyer_h_seconds_bucket{le=\"0.1\"} 1\nfoyer_h_seconds_bucket{le=\"1\"} 2\nfoyer_h_seconds_bucket{le=\"+Inf\"} "
      "3\n"
      "foyer_h_seconds_sum 7.6\nfoyer_h_seconds_count 3\n");
}

TEST(Metrics, OneNameIsOneKindOfInstrument) {
  Metrics m;
  m.counter("foyer_x", "x");
  EXPECT_THROW(m.gauge("foyer_x", "x"), std::logic_error);
}

TEST(ShownPath, HoldsNoCredentialThatLostItsPlace) {
  EXPECT_EQ(shown_path("/api/rooms/a-room_with.a-long-name/messages"), "/api/rooms/a-room_with.a-long-name/messages");
  EXPECT_EQ(shown_path("/"), "/");
  EXPECT_EQ(shown_path(""), "");
  EXPECT_EQ(shown_path("/ws/chat=ticket=abc"), "/ws/chat=…") << "a mistyped question mark";
  EXPECT_EQ(shown_path("/ws/chat&token=abc"), "/ws/chat&token=…");
  EXPECT_EQ(shown_path("/a="), "/a=");
  const std::string word(43, 'x');
  EXPECT_EQ(shown_path("/ws/chat/" + word), "/ws/chat/…");
  EXPECT_EQ(shown_path("/" + word + "." + word + "." + word + "/x"), "/….….…/x");
  EXPECT_EQ(shown_path("/" + std::string(39, 'x')), "/" + std::string(39, 'x'));
  EXPECT_EQ(shown_path("/a\x01"
                       "b"),
      printable("/a\x01"
                "b"));
}

} // namespace
} // namespace foyer

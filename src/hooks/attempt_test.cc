#include "hooks/attempt.h"

#include <gmock/gmock.h>

#include <string>

#include "base/json.h"
#include "client/signature.h"

namespace foyer::hooks {
namespace {

using testing::HasSubstr;

engine::HookEvent event() {
  return {.number = 7,
      .id = "evt_a",
      .type = "message.published",
      .room = "tea",
      .at = from_unix_millis(1'700'000'000'123),
      .data = R"({"room":"tea","offset":"9007199254740993"})"};
}

TEST(HookAttempt, TheBodyIsAnObjectWithTypeTimeAndData) {
  const auto body = json::parse(body_of(event()));
  ASSERT_TRUE(body) << body.error();
  EXPECT_EQ(json::write(*body),
      R"({"type":"message.published","timestamp":"2023-11-14T22:13:20.123Z","data":{"room":"tea","offset":"9007199254740993"}})");
}

TEST(HookAttempt, ItIsSignedAtTheTimeOfTheAttempt) {
  const std::string keys[] = {std::string(32, 'k')};
  const auto call = request_of(event(), "/hook?x=1", keys, "foyer/1", from_unix_millis(1'700'000'600'999));
  EXPECT_EQ(call.method + " " + call.target, "POST /hook?x=1");
  EXPECT_EQ(*call.headers.find("content-type"), "application/json");
  EXPECT_EQ(*call.headers.find("webhook-id"), "evt_a");
  EXPECT_EQ(*call.headers.find("webhook-timestamp"), "1700000600");
  EXPECT_EQ(*call.headers.find("webhook-signature"), client::sign(keys, "evt_a", 1'700'000'600, call.body));
}

TEST(HookAttempt, AnAnswerMeansWhatItsStatusSays) {
  using Kind = Outcome::Kind;
  const struct {
    int status;
    Kind kind;
  } table[] = {{200, Kind::sent}, {201, Kind::sent}, {204, Kind::sent}, {299, Kind::sent}, {101, Kind::failed},
      {301, Kind::failed}, {307, Kind::failed}, {400, Kind::refused}, {401, Kind::refused}, {404, Kind::refused},
      {408, Kind::failed}, {410, Kind::gone}, {422, Kind::refused}, {425, Kind::failed}, {429, Kind::failed},
      {500, Kind::failed}, {503, Kind::failed}};
  for (const auto& [status, kind] : table) {
    Response answer;
    answer.status = status;
    EXPECT_EQ(outcome_of(answer).kind, kind) << status;
  }
}

TEST(HookAttempt, TheEvidenceNamesWhatWasAnsweredOrWhatFailed) {
  Response page;
  page.status = 502;
  page.headers = {{"Content-Type", "text/html"}, {"Retry-After", "30"}};
  auto outcome = outcome_of(page);
  EXPECT_EQ(outcome.cause, Cause::WEBHOOK_REFUSED);
  EXPECT_EQ(outcome.evidence, "the receiver answered 502 with text/html");
  EXPECT_EQ(outcome.retry_after, std::chrono::seconds{30});
  Response moved;
  moved.status = 302;
  moved.headers = {{"Location", "https://elsewhere.example/\r\nx"}, {"Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"}};
  outcome = outcome_of(moved);
  EXPECT_THAT(outcome.evidence, HasSubstr("redirects are not followed"));
  EXPECT_EQ(outcome.evidence.find('\n'), std::string::npos);
  EXPECT_FALSE(outcome.retry_after);
  Response gone;
  gone.status = 410;
  EXPECT_EQ(outcome_of(gone).cause, Cause::WEBHOOK_GONE);
  outcome = outcome_of(std::unexpected(client::NetError{.kind = client::NetError::Kind::timeout,
      .what = "no byte of an answer",
      .phase = client::NetError::Phase::waiting}));
  EXPECT_EQ(outcome.cause, Cause::WEBHOOK_UNREACHABLE);
  EXPECT_EQ(outcome.evidence, "waiting: no byte of an answer");
}

} // namespace
} // namespace foyer::hooks

// Every possible answer, and every failure without one, with its cause.
#include "auth/answer.h"

#include <gtest/gtest.h>

#include "wire/problem.h"

namespace foyer::auth {
namespace {

constexpr std::string_view kWhat = "POST /internal/verify";
using Kind = client::NetError::Kind;

client::HttpResult answered(int status, Headers headers, std::string body) {
  return Response{.status = status, .headers = std::move(headers), .body = std::move(body)};
}
client::HttpResult failed(Kind kind, std::string what) {
  return std::unexpected(client::NetError{.kind = kind, .what = std::move(what)});
}

client::HttpResult problem(const Refusal& refusal) {
  Response response = wire::problem(refusal, Ref{"the-auth-ref"}, false);
  response.headers.add("X-Foyer", "1; build=b; ref=the-auth-ref");
  return response;
}

const Headers kOurs{{"X-Foyer", "1; build=b; ref=r"}, {"Content-Type", "application/json"}};

struct Row {
  std::string_view situation;
  client::HttpResult result;
  Cause cause;
  bool transient;
  bool counts;
  std::string_view evidence; // a part of the evidence
};

// Failures of the network, and answers of something else.
const Row kFailures[] = {
    {"refused", failed(Kind::connect, "cannot connect to a:1: Connection refused"),
        Cause::AUTH_SERVICE_CONNECTION_ERROR, true, true, "Connection refused"},
    {"reset", failed(Kind::closed, "Connection reset by peer"), Cause::AUTH_SERVICE_CONNECTION_ERROR, true, true,
        "reset"},
    {"no such name", failed(Kind::resolve, "no address for a"), Cause::AUTH_SERVICE_CONNECTION_ERROR, true, true,
        "no address"},
    {"certificate", failed(Kind::tls, "the TLS handshake failed"), Cause::AUTH_SERVICE_CONNECTION_ERROR, true, true,
        "TLS"},
    {"deadline", failed(Kind::timeout, "no connection to a:1 within 300 ms"), Cause::AUTH_SERVICE_TIMEOUT, true, true,
        "no connection"},
    {"truncated", failed(Kind::protocol, "the connection was closed within the answer's body"),
        Cause::INVALID_RESPONSE_FORMAT, true, true, "within the answer's body"},
    {"503 of a proxy", answered(503, {{"Content-Type", "text/html"}}, "<html>SECRET</html>"),
        Cause::AUTH_SERVICE_NOT_AVAILABLE, true, true, "answered 503 with an HTML page by something that is not Foyer"},
    {"502", answered(502, {}, ""), Cause::AUTH_SERVICE_NOT_AVAILABLE, true, true, "502"},
    {"504", answered(504, {}, ""), Cause::AUTH_SERVICE_NOT_AVAILABLE, true, true, "504"},
    {"500", answered(500, {}, ""), Cause::AUTH_SERVICE_NOT_AVAILABLE, false, true, "500"},
    {"503 problem of another server",
        answered(503, {{"Content-Type", "application/problem+json"}}, R"({"code":"BUSY"})"),
        Cause::AUTH_SERVICE_NOT_AVAILABLE, true, true, "no X-Foyer"},
    {"503 of ours, unknown code",
        answered(
            503, {{"X-Foyer", "9"}, {"Content-Type", "application/problem+json"}}, R"({"code":"NOT_YET_INVENTED"})"),
        Cause::AUTH_SERVICE_NOT_AVAILABLE, true, true, "by a Foyer"},
    {"HTML", answered(200, {{"Content-Type", "text/html; charset=utf-8"}}, "<!doctype html>SECRET"),
        Cause::INVALID_RESPONSE_FORMAT, true, true, "an HTML page"},
    {"HTML that lies", answered(200, {{"Content-Type", "application/json"}}, "  <html>SECRET"),
        Cause::INVALID_RESPONSE_FORMAT, true, true, "markup that calls itself application/json"},
    {"another server's JSON",
        answered(200, {{"Content-Type", "application/json"}}, R"({"valid":true,"note":"SECRET"})"),
        Cause::INVALID_RESPONSE_FORMAT, true, true, "no X-Foyer header"},
    {"our page", answered(200, {{"X-Foyer", "1"}, {"Content-Type", "text/html"}}, "<html>"),
        Cause::INVALID_RESPONSE_FORMAT, true, true,
        "a Foyer answered 200 with an HTML page instead of application/json"},
    {"our text", answered(200, {{"X-Foyer", "1"}, {"Content-Type", "text/plain"}}, "SECRET"),
        Cause::INVALID_RESPONSE_FORMAT, true, true, "text/plain"},
    {"nothing in it", answered(204, {{"X-Foyer", "1"}}, ""), Cause::INVALID_RESPONSE_FORMAT, true, true,
        "an empty body"},
    {"half of it", answered(200, kOurs, R"({"valid":tr)"), Cause::INVALID_RESPONSE_FORMAT, true, true,
        "that is not valid JSON"},
    {"an array", answered(200, kOurs, "[]"), Cause::INVALID_RESPONSE_FORMAT, true, true, "not an object"},
    {"redirect", answered(302, {{"Location", "https://login.example/in?next=SECRET"}}, ""),
        Cause::INVALID_RESPONSE_FORMAT, true, true, "a redirect to login.example"},
    {"redirect to a path", answered(301, {{"Location", "/SECRET"}}, ""), Cause::INVALID_RESPONSE_FORMAT, true, true,
        "another path"},
    {"redirect without a place", answered(307, {}, ""), Cause::INVALID_RESPONSE_FORMAT, true, true, "no Location"},
    {"not found elsewhere", answered(404, {{"Content-Type", "text/plain"}}, "SECRET"), Cause::INVALID_RESPONSE_FORMAT,
        true, true, "answered 404 with text/plain"},
};

void expect_failure(const Row& row) {
  SCOPED_TRACE(row.situation);
  const auto got = read_answer(row.result, kWhat);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().refusal.code(), code_of(row.cause));
  EXPECT_EQ(got.error().transient, row.transient);
  EXPECT_EQ(got.error().counts, row.counts);
  EXPECT_NE(got.error().refusal.evidence.find(row.evidence), std::string::npos) << got.error().refusal.evidence;
  EXPECT_EQ(got.error().refusal.evidence.find("SECRET"), std::string::npos) << got.error().refusal.evidence;
}

TEST(Answer, EveryWayNotToAnswerHasItsName) {
  for (const Row& row : kFailures) expect_failure(row);
  const Row refusals[] = {
      {"a gateway", problem({.cause = Cause::UNKNOWN_PATH}), Cause::INVALID_RESPONSE_FORMAT, true, true,
          "without the auth role"},
      {"busy", problem({.cause = Cause::BUSY, .retry_after = Millis{3'000}}), Cause::BUSY, false, false,
          "its ref the-auth-ref"},
      {"wrong secret", problem({.cause = Cause::SERVICE_SECRET_REJECTED}), Cause::SERVICE_SECRET_REJECTED, false, false,
          "answered POST /internal/verify with 503"},
  };
  for (const Row& row : refusals) expect_failure(row);
}

TEST(Answer, ACauseOfOursArrivesWhole) {
  const auto got = read_answer(problem({.cause = Cause::BAD_REQUEST, .field = "ticket"}), kWhat);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().refusal.cause, Cause::BAD_REQUEST);
  EXPECT_EQ(got.error().refusal.field, "ticket");
  const auto busy = read_answer(problem({.cause = Cause::BUSY, .retry_after = Millis{1'500}}), kWhat);
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().refusal.retry_after, Millis{1'500});
}

TEST(Answer, AnObjectOfOursIsTheAnswer) {
  const auto got = read_answer(answered(200, kOurs, R"({"valid":true})"), kWhat);
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->at("valid").as_bool());
}

} // namespace
} // namespace foyer::auth

#include "asking/answer.h"

#include <gmock/gmock.h>

#include <string>

#include "asking/policy.h"

namespace foyer::asking {
namespace {

using testing::HasSubstr;

constexpr WallTime kNow = WallTime{std::chrono::seconds{1'700'000'000}};

Response response(int status, std::string body, std::string type = "application/json") {
  Response out;
  out.status = status;
  out.body = std::move(body);
  if (!type.empty()) out.headers.add("Content-Type", std::move(type));
  return out;
}
client::HttpResult json_answer(std::string body) { return response(200, std::move(body)); }

// "result {…}", "error 1: text", "disconnect 1: text", or the cause and the evidence.
std::string read(const client::HttpResult& answer) {
  const auto said = read_answer(answer);
  if (!said) return std::string(said.error().refusal.code()) + ": " + said.error().refusal.evidence;
  if (const auto* no = std::get_if<No>(&*said))
    return (no->disconnect ? "disconnect " : "error ") + std::to_string(no->code) + ": " + no->text;
  return "result " + json::write(std::get<json::Object>(*said));
}

TEST(Answer, IsExactlyOneOfResultErrorAndDisconnect) {
  EXPECT_EQ(read(json_answer(R"({"result":{}})")), "result {}");
  EXPECT_EQ(read(json_answer(R"({"result":{"a":1},"error":null})")), R"(result {"a":1})");
  EXPECT_EQ(
      read(json_answer(R"({"error":{"code":4001,"message":"sold out","temporary":true}})")), "error 4001: sold out");
  EXPECT_EQ(read(json_answer(R"({"error":{"code":1}})")), "error 1: ");
  EXPECT_EQ(read(json_answer(R"({"disconnect":{"code":4501,"reason":"bye\n"}})")), R"(disconnect 4501: bye\n)");
}

TEST(Answer, WhatIsNoneIsSaidAsWhatItIs) {
  const struct {
    std::string body, evidence;
  } rows[] = {
      {"", "an empty body"},
      {"<html>Log in</html>", "begin with <html>Log in</html>: not JSON"},
      {"[]", "not a JSON object"},
      {"{}", "none of result, error and disconnect"},
      {R"({"result":null})", "none of"},
      {R"({"result":{},"error":{"code":1}})", "more than one of"},
      {R"({"result":true})", "result is true or false and not an object"},
      {R"({"error":"no"})", "error is a text and not an object"},
      {R"({"error":{"message":"no"}})", "error.code is missing"},
      {R"({"error":{"code":"1"}})", "error.code is a text"},
      {R"({"error":{"code":0}})", "not a number above 0"},
      {R"({"error":{"code":4294967296}})", "not a number above 0"},
      {R"({"disconnect":{"code":4001,"reason":5}})", "disconnect.reason is a number and not a text"},
      {R"({"result":{})", "not JSON"},
  };
  for (const auto& [body, evidence] : rows)
    EXPECT_THAT(read(json_answer(body)), testing::AllOf(HasSubstr("APP_ANSWER_INVALID"), HasSubstr(evidence))) << body;
}

struct Class {
  std::string code;
  bool transient = false, unhandled = false, counts = false;
  friend bool operator==(const Class&, const Class&) = default;
  friend void PrintTo(const Class& c, std::ostream* out) {
    *out << c.code << (c.transient ? " transient" : "") << (c.unhandled ? " unhandled" : "")
         << (c.counts ? " counts" : "");
  }
};
Class class_of(const client::HttpResult& answer) {
  const auto said = read_answer(answer);
  if (said) return {.code = "answered"};
  const Fault& fault = said.error();
  return {std::string(fault.refusal.code()), fault.transient, fault.unhandled, fault.counts};
}

TEST(Answer, WhatKindOfFailureItIs) {
  for (const int status : {201, 204, 302, 400, 401, 403, 404, 410})
    EXPECT_EQ(class_of(response(status, "{}")), (Class{"APP_ANSWER_INVALID", false, false, false})) << status;
  EXPECT_EQ(class_of(response(500, "")), (Class{"APP_UNAVAILABLE", false, false, false})) << "its own fault";
  EXPECT_EQ(class_of(response(502, "")), (Class{"APP_UNAVAILABLE", true, false, true}));
  EXPECT_EQ(class_of(response(503, "")), (Class{"APP_UNAVAILABLE", true, true, true}));
  EXPECT_EQ(class_of(response(504, "")), (Class{"APP_UNAVAILABLE", true, false, true}));
  EXPECT_EQ(class_of(response(408, "")), (Class{"APP_UNAVAILABLE", true, false, false}));
  EXPECT_EQ(class_of(response(429, "")), (Class{"APP_UNAVAILABLE", true, true, false}));
  using Kind = client::NetError::Kind;
  using Phase = client::NetError::Phase;
  const auto net = [](Kind kind, Phase phase) { return class_of(std::unexpected(client::NetError{kind, "x", phase})); };
  EXPECT_EQ(net(Kind::connect, Phase::connecting), (Class{"APP_UNAVAILABLE", true, true, true}));
  EXPECT_EQ(net(Kind::timeout, Phase::connecting), (Class{"APP_TIMEOUT", true, true, true}));
  EXPECT_EQ(net(Kind::timeout, Phase::waiting), (Class{"APP_TIMEOUT", true, false, true}));
  EXPECT_EQ(net(Kind::closed, Phase::waiting), (Class{"APP_UNAVAILABLE", true, false, true}));
  EXPECT_EQ(net(Kind::protocol, Phase::reading), (Class{"APP_ANSWER_INVALID", false, false, true}));
}

TEST(Answer, RetryAfterIsTheClientsWaitAnd503PausesTheQuestions) {
  Response busy = response(503, "");
  busy.headers.add("Retry-After", "7");
  auto said = read_answer(busy);
  EXPECT_EQ(said.error().refusal.retry_after, Millis{7'000});
  EXPECT_EQ(said.error().pause, Millis{7'000});
  busy.status = 429;
  said = read_answer(busy);
  EXPECT_EQ(said.error().refusal.retry_after, Millis{7'000});
  EXPECT_EQ(said.error().pause, std::nullopt) << "this user may have asked too often, and not the others";
  busy.headers.set("Retry-After", "86400");
  EXPECT_EQ(read_answer(busy).error().refusal.retry_after, kLongestPause);
  busy.headers.set("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT");
  EXPECT_EQ(read_answer(busy).error().refusal.retry_after, Millis{1'000});
}

TEST(Answer, OnlyTheHostOfARedirectIsShown) {
  Response redirect = response(302, "");
  redirect.headers.add("Location", "https://login.example/?token=secret");
  const std::string said = read(redirect);
  EXPECT_THAT(said, HasSubstr("a redirect to login.example; redirects are not followed"));
  EXPECT_EQ(said.find("secret"), std::string::npos);
}

TEST(Answer, ANoIsForTheClientWithItsCodeAndText) {
  const Refusal refusal = refusal_of({.code = 4001, .text = "sold out"});
  EXPECT_EQ(refusal.code(), "APP_REFUSED");
  EXPECT_EQ(refusal.detail, "4001: sold out");
  EXPECT_EQ(refusal.evidence, "the application answered error 4001: sold out");
  EXPECT_EQ(refusal_of({.code = 7, .disconnect = true}).detail, "7");
  const auto long_text =
      read_answer(json_answer(R"({"error":{"code":1,"message":")" + std::string(5'000, 'x') + "\"}}"));
  EXPECT_LE(std::get<No>(*long_text).text.size(), kTextBytes + 8);
}

json::Object object(std::string_view text) { return json::parse(text)->as_object(); }

template <class Answer>
std::string fault_of(const Result<Answer>& answer) {
  return answer ? "none" : std::string(answer.error().code()) + " " + answer.error().evidence;
}

TEST(ConnectAnswer, ChangesWhatItNames) {
  const auto said = connect_answer(
      object(R"({"user":"ann","expire_at":1700000060,"info":{"name":"Ann"},"channels":["news"],"meta":{"tier":2},
                 "claims":{"scope":"chat:read","rooms":["vip"]},"data":null,"subs":{},"b64data":"","caps":[]})"),
      UserId{"ann"}, kNow);
  ASSERT_TRUE(said) << fault_of(said);
  EXPECT_EQ(said->expires_at, kNow + std::chrono::seconds{60});
  EXPECT_EQ(said->name, "Ann");
  EXPECT_EQ(said->scope, "chat:read");
  EXPECT_EQ(said->rooms, std::vector<std::string>{"vip"});
  EXPECT_EQ(said->join, std::vector{RoomName{"news"}});
  EXPECT_EQ(said->meta, R"({"tier":2})");
  const auto nothing = connect_answer({}, UserId{"ann"}, kNow);
  EXPECT_FALSE(nothing->expires_at || nothing->name || nothing->scope || nothing->rooms || nothing->meta);
}

TEST(ConnectAnswer, WhatHasNoEffectIsRefusedByName) {
  const struct {
    std::string result, evidence;
  } rows[] = {
      {R"({"user":"bob"})", "result.user is another user"},
      {R"({"expire_at":"1700000060"})", "result.expire_at is a text"},
      {R"({"expire_at":1699999999})", "result.expire_at is past: 2023-11-14T22:13:19"},
      {R"({"expire_at":-1})", "not a time"},
      {R"({"expire_at":1e300})", "not a time"},
      {R"({"expires_at":1700000060})", "result.expires_at is unknown; the nearest is expire_at"},
      {R"({"info":{"age":7}})", "result.info.age is unknown"},
      {R"({"info":{"name":"Ann\u0007"}})", "result.info.name has control characters"},
      {R"({"info":{"name":"Ann\u0085"}})", "result.info.name has control characters"},
      {R"({"claims":{"name":"a\nb"}})", "result.claims.name has control characters"},
      {R"({"info":"Ann"})", "result.info is a text and not an object"},
      {R"({"data":{"x":1}})", "result.data has no effect here"},
      {R"({"subs":{"news":{}}})", "result.subs has no effect here: send channels"},
      {R"({"channels":"news"})", "result.channels is a text and not an array"},
      {R"({"channels":[1]})", "has an item that is no text"},
      {R"({"claims":{"admin":true}})", "result.claims.admin is unknown"},
      {R"({"meta":[1]})", "result.meta is an array and not an object"},
  };
  for (const auto& [result, evidence] : rows)
    EXPECT_THAT(fault_of(connect_answer(object(result), UserId{"ann"}, kNow)),
        testing::AllOf(HasSubstr("APP_ANSWER_INVALID"), HasSubstr(evidence)))
        << result;
  json::Object much;
  much["info"] = json::Object{{"name", std::string(kNameBytes + 1, 'a')}};
  EXPECT_THAT(
      fault_of(connect_answer(much, UserId{"ann"}, kNow)), HasSubstr("result.info.name has more than 128 bytes"));
  much.clear();
  much["channels"] = json::Array(kRoomsOfAnswer + 1, json::Value("r"));
  EXPECT_THAT(fault_of(connect_answer(much, UserId{"ann"}, kNow)), HasSubstr("more than 100 items"));
  much = {{"meta", json::Object{{"x", std::string(kMetaBytes, 'x')}}}};
  EXPECT_THAT(fault_of(connect_answer(much, UserId{"ann"}, kNow)), HasSubstr("result.meta has more than"));
}

TEST(RefreshAnswer, SaysWhetherTheSessionGoesOn) {
  EXPECT_EQ(refresh_answer(object(R"({"expire_at":1700000060})"), kNow)->expires_at, kNow + std::chrono::seconds{60});
  EXPECT_TRUE(refresh_answer(object(R"({"expired":true})"), kNow)->expired);
  EXPECT_TRUE(refresh_answer(object(R"({"expired":true,"expire_at":1})"), kNow)->expired);
  EXPECT_THAT(fault_of(refresh_answer(object(R"({"expired":"yes"})"), kNow)), HasSubstr("result.expired is a text"));
}

TEST(SubscribeAnswer, MaySetTheEnd) {
  EXPECT_EQ(
      subscribe_answer(object(R"({"expire_at":1700000060.5})"), kNow)->expires_at, kNow + std::chrono::seconds{60});
  EXPECT_EQ(subscribe_answer(object(R"({"expire_at":0,"info":{},"override":null})"), kNow)->expires_at, std::nullopt);
  EXPECT_THAT(fault_of(subscribe_answer(object(R"({"info":{"a":1}})"), kNow)), HasSubstr("result.info has no effect"));
}

TEST(PublishAnswer, MayChangeTheDataInItsOwnKind) {
  EXPECT_EQ(publish_answer({}, true)->data, std::nullopt);
  EXPECT_EQ(publish_answer(object(R"({"data":{"message":"hello"}})"), true)->data, "hello");
  EXPECT_EQ(publish_answer(object(R"({"data":{"a":[1,{}]}})"), false)->data, R"({"a":[1,{}]})");
  EXPECT_EQ(publish_answer(object(R"({"data":0})"), false)->data, "0") << "data that is empty is data";
  EXPECT_EQ(publish_answer(object(R"({"data":null})"), false)->data, std::nullopt);
  EXPECT_THAT(fault_of(publish_answer(object(R"({"data":"hi"})"), true)), HasSubstr("result.data is a text"));
  EXPECT_THAT(fault_of(publish_answer(object(R"({"data":{"message":7}})"), true)), HasSubstr("result.data.message is"));
  EXPECT_THAT(fault_of(publish_answer(object(R"({"data":{"message":""}})"), true)), HasSubstr("message is missing"));
  EXPECT_THAT(fault_of(publish_answer(object(R"({"skip_history":true})"), false)), HasSubstr("result.skip_history"));
}

} // namespace
} // namespace foyer::asking

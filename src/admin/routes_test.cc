#include "admin/routes.h"

#include <gmock/gmock.h>

#include "admin/web_assets.h"
#include "base/json.h"

namespace foyer::admin {
namespace {

using testing::Contains;
using testing::HasSubstr;

class Gateway final : public observe::GatewayInfo {
 public:
  [[nodiscard]] std::vector<observe::RefusalRecord> refusals(const observe::RefusalFilter& filter) const override {
    asked = filter;
    return records;
  }
  [[nodiscard]] std::uint64_t connections() const override { return 0; }
  [[nodiscard]] std::uint64_t users() const override { return 0; }
  [[nodiscard]] bool draining() const override { return is_draining; }
  [[nodiscard]] bool loops_turn() const override { return turning; }

  mutable observe::RefusalFilter asked;
  std::vector<observe::RefusalRecord> records;
  bool is_draining = false;
  bool turning = true;
};

struct Api : testing::Test {
  ManualClock clock;
  Metrics metrics;
  Gateway gateway;
  observe::HealthState store = observe::HealthState::ok();
  observe::HealthState mirror = observe::HealthState::ok();
  std::vector<Refusal> reported;

  ApiDeps deps() {
    return {.build = {.version = "1.2.3",
                .build = "abc",
                .environment = "test",
                .config = "cafe0123",
                .started = clock.mono()},
        .clock = clock,
        .metrics = metrics,
        .gateway = &gateway,
        .api_key = "the-operators-key",
        .ready = {{"chat_store", true, [this] { return store; }}, {"mirror", false, [this] { return mirror; }}},
        .on_refusal = [this](const Request&, const Refusal& refusal) { reported.push_back(refusal); }};
  }
  std::vector<Route> routes = operator_routes(deps());

  Response get(std::string path, Headers headers = {}, std::string query = {}, std::vector<std::string> args = {}) {
    for (const Route& route : routes) {
      if (route.path != path) continue;
      Request request;
      request.method = "GET";
      request.path = std::move(path);
      request.query = std::move(query);
      request.headers = std::move(headers);
      request.ref = Ref("ref1");
      request.path_args = std::move(args);
      Response answer;
      route.handler(std::move(request), [&answer](Response response) { answer = std::move(response); });
      return answer;
    }
    ADD_FAILURE() << "no route " << path;
    return {};
  }
  static json::Object object(const Response& response) { return json::parse(response.body)->as_object(); }
  static std::string code(const Response& response) {
    return std::string(json::get_string(object(response), "code").value_or(""));
  }
  static const Headers& key() {
    static const Headers headers{{"X-API-Key", "the-operators-key"}};
    return headers;
  }
};

TEST_F(Api, HealthIsOkWhenEverythingNeededIs) {
  const Response live = get("/health/live");
  EXPECT_EQ(live.status, 200);
  EXPECT_EQ(
      live.body, R"({"status":"ok","checks":{"loops":{"status":"ok","since":")" + rfc3339(clock.wall()) + R"("}}})");
  EXPECT_EQ(get("/health/ready").status, 200);

  clock.advance(Millis{90'500});
  const auto whole = object(get("/health"));
  EXPECT_EQ(json::get_string(whole, "version"), "1.2.3");
  EXPECT_EQ(json::get_string(whole, "build"), "abc");
  EXPECT_EQ(json::get_string(whole, "environment"), "test");
  EXPECT_EQ(json::get_string(whole, "config"), "cafe0123");
  EXPECT_EQ(json::get_int(whole, "uptime_s"), 90);
  const auto& checks = whole.at("checks").as_object();
  for (const char* name : {"loops", "accepting", "chat_store", "mirror"}) EXPECT_TRUE(checks.contains(name)) << name;
}

TEST_F(Api, ANeededCheckThatFailsIs503WithItsCodeAndSinceWhen) {
  get("/health/ready");
  clock.advance(Millis{1000});
  store = observe::HealthState::failing("STORE_READ_ONLY");
  const Response first = get("/health/ready");
  EXPECT_EQ(first.status, 503);
  const std::string since = rfc3339(clock.wall());
  clock.advance(Millis{5000});
  const auto body = object(get("/health/ready"));
  EXPECT_EQ(json::get_string(body, "status"), "failing");
  EXPECT_EQ(json::write(body.at("checks").as_object().at("chat_store")),
      R"({"status":"failing","code":"STORE_READ_ONLY","since":")" + since + R"("})");
  EXPECT_EQ(get("/health").status, 503);
  EXPECT_EQ(get("/health/live").status, 200) << "it is still alive";
  store = observe::HealthState::ok();
  EXPECT_EQ(get("/health/ready").status, 200);
}

TEST_F(Api, WhatNobodyCheckedIsUnknownAndNeverOk) {
  store = observe::HealthState::unknown();
  const Response ready = get("/health/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr(R"("chat_store":{"status":"unknown","since")"));
}

TEST_F(Api, WhatIsNotNeededOnlyDegrades) {
  mirror = observe::HealthState::failing("BUSY");
  const Response ready = get("/health/ready");
  EXPECT_EQ(ready.status, 200);
  EXPECT_EQ(json::get_string(object(ready), "status"), "degraded");
}

TEST_F(Api, ADrainingGatewayIsNotReadyAndAStuckLoopNotAlive) {
  gateway.is_draining = true;
  EXPECT_EQ(get("/health/ready").status, 503);
  EXPECT_THAT(get("/health/ready").body, HasSubstr(R"("code":"DRAINING")"));
  EXPECT_EQ(get("/health/live").status, 200);
  gateway.turning = false;
  EXPECT_EQ(get("/health/live").status, 503);
}

TEST_F(Api, TheKeyIsTakenInTwoHeadersAndNowhereElse) {
  metrics.counter("foyer_things_total", "things").add(3);
  EXPECT_THAT(get("/metrics", key()).body, HasSubstr("foyer_things_total 3"));
  EXPECT_EQ(get("/metrics", {{"Authorization", "ApiKey the-operators-key"}}).status, 200);
  EXPECT_TRUE(reported.empty());
  for (const Headers& wrong : {Headers{}, Headers{{"X-API-Key", "another"}}, Headers{{"X-API-Key", ""}},
           Headers{{"X-API-Key", "the-operators-key "}}, Headers{{"Authorization", "Bearer the-operators-key"}}}) {
    const Response refused = get("/metrics", wrong);
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(code(refused), "API_KEY_REJECTED");
    EXPECT_NE(refused.headers.find("WWW-Authenticate"), nullptr);
  }
  EXPECT_EQ(reported.size(), 5u);
  EXPECT_EQ(get("/metrics", {}, "api_key=the-operators-key").status, 401);
}

TEST_F(Api, WithoutAConfiguredKeyTheOperatorsApiIsNotThere) {
  ApiDeps open = deps();
  open.api_key.clear();
  routes = operator_routes(open);
  for (const char* path : {"/metrics", "/api/refusals"}) {
    const Response response = get(path, {{"X-API-Key", ""}});
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(code(response), "UNKNOWN_PATH") << path;
  }
  routes = metrics_listener_routes(open);
  EXPECT_EQ(get("/metrics").status, 200) << "a separate listener needs no key";
}

TEST_F(Api, AnOperatorReadsWhetherDeletionByAgeWaitsAndLetsItGoOn) {
  int asked = 0;
  ApiDeps with = deps();
  with.upkeep = {.state = [] {
    return std::vector<UpkeepRow>{
        {.store = "accounts"}, {.store = "chat", .waits = true, .doubt = "ahead", .off_s = 5'184'000, .left_s = 3'600}};
  }, .now = [&asked] { ++asked; }};
  const auto all = operator_routes(with);
  const auto call = [&all](std::string method, Headers headers, std::string body) {
    Response answer;
    for (const Route& route : all) {
      if (route.path != "/api/upkeep" || route.method != method) continue;
      Request request;
      request.method = method;
      request.path = "/api/upkeep";
      request.headers = std::move(headers);
      request.body = std::move(body);
      route.handler(std::move(request), [&answer](Response response) { answer = std::move(response); });
    }
    return answer;
  };
  constexpr std::string_view kState =
      R"({"stores":[{"store":"accounts","waits":false},{"store":"chat","waits":true,"doubt":"ahead","off_s":5184000,"left_s":3600}]})";
  EXPECT_EQ(call("GET", key(), "").body, kState);
  EXPECT_EQ(call("POST", {}, R"({"now":true})").status, 401);
  for (const char* bad : {"", "{}", R"({"now":false})", R"({"now":true,"more":1})", "[true]"})
    EXPECT_EQ(call("POST", key(), bad).status, 400) << bad;
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(call("POST", key(), R"({"now":true})").body, kState);
  EXPECT_EQ(asked, 1);
}

TEST_F(Api, RefusalsAreReturnedCompletely) {
  observe::RefusalRecord record;
  record.ref = Ref("r-7");
  record.refusal = {.cause = Cause::TOKEN_EXPIRED, .evidence = "exp 5 min ago"};
  record.time = from_unix_millis(1'700'000'000'123);
  record.user = "alice";
  record.address = "10.0.0.1";
  record.origin = "https://chat.example";
  record.path = "/ws/chat";
  record.times.spent[static_cast<std::size_t>(Step::readiness)] = std::chrono::microseconds{500};
  record.times.spent[static_cast<std::size_t>(Step::credential_valid)] = std::chrono::milliseconds{2};
  record.count = 3;
  gateway.records = {record};
  const Response response = get("/api/refusals", key());
  EXPECT_EQ(response.status, 200);
  const auto rows = object(response).at("refusals").as_array();
  ASSERT_EQ(rows.size(), 1u);
  const auto& row = rows[0].as_object();
  EXPECT_EQ(json::get_string(row, "ref"), "r-7");
  EXPECT_EQ(json::get_string(row, "code"), "TOKEN_EXPIRED");
  EXPECT_EQ(json::get_string(row, "step"), "credential_valid");
  EXPECT_EQ(json::get_string(row, "time"), "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(json::get_string(row, "user"), "alice");
  EXPECT_EQ(json::get_string(row, "address"), "10.0.0.1");
  EXPECT_EQ(json::get_string(row, "origin"), "https://chat.example");
  EXPECT_EQ(json::get_string(row, "path"), "/ws/chat");
  EXPECT_THAT(std::string(json::get_string(row, "operator").value_or("")), HasSubstr("exp 5 min ago"));
  EXPECT_EQ(json::get_int(row, "count"), 3);
  const auto& steps = row.at("steps").as_array();
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(json::get_string(steps[1].as_object(), "step"), "credential_valid");
  EXPECT_DOUBLE_EQ(steps[1].as_object().at("ms").to_number<double>(), 2.0);
}

TEST_F(Api, TheFilterIsReadStrictly) {
  get("/api/refusals", key());
  EXPECT_EQ(gateway.asked.limit, 100u);
  get("/api/refusals", key(), "ref=r-7&code=NO_TOKEN&limit=1000");
  EXPECT_EQ(gateway.asked.ref, Ref("r-7"));
  EXPECT_EQ(gateway.asked.cause, Cause::NO_TOKEN);
  EXPECT_EQ(gateway.asked.limit, 1000u);
  for (const char* bad : {"limit=0", "limit=1001", "limit=-1", "limit=ten", "limit=99999999999999999999"}) {
    const Response response = get("/api/refusals", key(), bad);
    EXPECT_EQ(response.status, 400) << bad;
    EXPECT_EQ(json::get_string(object(response), "field"), "limit") << bad;
  }
  EXPECT_EQ(json::get_string(object(get("/api/refusals", key(), "code=NO_SUCH")), "field"), "code");
  EXPECT_EQ(get("/api/refusals").status, 401);
}

TEST_F(Api, ACauseIsJsonForProgramsAndAPageForPeople) {
  const auto told_json = object(get("/causes/{code}", {}, {}, {"NO_TOKEN"}));
  EXPECT_EQ(json::get_string(told_json, "code"), "NO_TOKEN");
  EXPECT_EQ(json::get_string(told_json, "step"), "credential_present");
  EXPECT_EQ(json::get_int(told_json, "http"), 401);
  EXPECT_EQ(json::get_int(told_json, "close"), 4401);
  EXPECT_EQ(json::get_string(told_json, "retry"), "refresh");
  for (const char* text : {"who", "client", "operator", "next"}) EXPECT_TRUE(told_json.contains(text)) << text;

  if (find_web_asset("/cause.html") != nullptr) {
    const Response page =
        get("/causes/{code}", {{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}}, {}, {"NO_TOKEN"});
    EXPECT_THAT(*page.headers.find("Content-Type"), HasSubstr("text/html"));
    EXPECT_THAT(page.body, HasSubstr("NO_TOKEN"));
    EXPECT_THAT(page.body, HasSubstr("4401"));
    EXPECT_THAT(page.body, testing::Not(HasSubstr("{{")));
  }
  EXPECT_EQ(get("/causes/{code}", {}, {}, {"NO_TOKEN"}).headers.joined("Access-Control-Allow-Origin"), "*");
  const Response unknown = get("/causes/{code}", {}, {}, {"NO_SUCH"});
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(code(unknown), "NOT_FOUND");
}

TEST_F(Api, AllCausesAreListed) {
  const auto list = json::parse(get("/causes").body);
  ASSERT_TRUE(list);
  EXPECT_EQ(list->as_array().size(), all_causes().size());
  const Response page = get("/causes", {{"Accept", "text/html"}});
  for (const CauseInfo& cause : all_causes())
    EXPECT_THAT(page.body, HasSubstr("\"causes/" + std::string(cause.code) + "\""));
  EXPECT_THAT(page.body, testing::Not(HasSubstr("style=")));
}

TEST_F(Api, PagesAreServedWithTheirEtagAndNotTwice) {
  routes = web_routes();
  std::vector<std::string> paths;
  for (const Route& route : routes) paths.push_back(route.path);
  EXPECT_THAT(paths, Contains("/"));
  EXPECT_THAT(paths, testing::Not(Contains("/cause.html"))) << "a template is not a page";
  const Response page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(*page.headers.find("Content-Type"), HasSubstr("text/html"));
  const Response again = get("/", {{"If-None-Match", *page.headers.find("ETag")}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
}

TEST_F(Api, PagesOfEveryOriginMayLoadTheClientLibraryAndNothingElse) {
  routes = web_routes();
  std::vector<std::string> shared;
  for (const Route& route : routes)
    if (get(route.path).headers.joined("Access-Control-Allow-Origin") == "*") shared.push_back(route.path);
  EXPECT_THAT(shared, testing::IsSupersetOf({"/foyer-client.mjs", "/core/index.mjs", "/core/room.mjs"}));
  for (const std::string& path : shared) EXPECT_TRUE(path == "/foyer-client.mjs" || path.starts_with("/core/")) << path;
}

} // namespace
} // namespace foyer::admin

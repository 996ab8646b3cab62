#include "http/router.h"

#include <gmock/gmock.h>

#include "base/json.h"

namespace foyer::http {
namespace {

using testing::HasSubstr;

struct Routing : testing::Test {
  std::string called;

  admission::DoorPolicy door_policy() {
    admission::DoorPolicy made;
    made.sockets = {{.path = "/ws/chat", .subprotocols = {"foyer.v1"}}, {.path = "/ws/echo", .subprotocols = {}}};
    made.allowed_origins = {"https://chat.example"};
    made.allowed_hosts = {"chat.example"};
    return made;
  }
  Route route(std::string method, std::string path) {
    std::string name = method + " " + path;
    return {std::move(method), std::move(path), [this, name](const Request&, const Reply&) { called = name; }};
  }

  admission::DoorPolicy policy = door_policy();
  std::vector<Refusal> reported;
  Router router{
      {route("GET", "/"), route("GET", "/auth/sessions"), route("DELETE", "/auth/sessions"),
          route("DELETE", "/auth/sessions/{id}"), route("POST", "/auth/login"), route("POST", "/oauth2/token"),
          route("GET", "/health"), route("GET", "/health/live"), route("GET", "/metrics"),
          route("GET", "/causes/{code}"), route("GET", "/causes/causes.css"), route("GET", "/.well-known/jwks.json"),
          route("GET", "/api/refusals"), route("POST", "/internal/x")},
      {.door = &policy, .version = "1.2.3", .build = "abc", .on_refusal = [this](const Request&, const Refusal& r) {
    reported.push_back(r);
  }}};

  static Request ask(std::string method, std::string path, Headers more = {}) {
    Request request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.ref = Ref("ref1");
    request.origin_url = "https://chat.example";
    request.headers = std::move(more);
    if (request.headers.find("Host") == nullptr) request.headers.add("Host", "chat.example");
    return request;
  }
  // The handler's name, or "STATUS CODE" of the router's own answer, decorated.
  std::string resolve(Request request) {
    called.clear();
    auto outcome = router.resolve(request);
    args = request.path_args;
    if (const auto* found = std::get_if<const Route*>(&outcome)) {
      (*found)->handler(request, {});
      return called;
    }
    answer = std::get<Response>(std::move(outcome));
    router.decorate(request, answer);
    const auto body = json::parse(answer.body);
    if (!body) return std::to_string(answer.status);
    return std::to_string(answer.status) + " " + std::string(json::get_string(body->as_object(), "code").value_or("?"));
  }
  std::string header(std::string_view name) const {
    const std::string* value = answer.headers.find(name);
    return value != nullptr ? *value : "";
  }
  std::vector<std::string> args;
  Response answer;
};

TEST(BasePath, IsTakenOffWhetherAProxyDidOrNot) {
  const auto stripped = [](std::string path) {
    const bool bare = strip_base_path("/chat", path);
    return path + (bare ? " bare" : "");
  };
  EXPECT_EQ(stripped("/chat/ws/chat"), "/ws/chat");
  EXPECT_EQ(stripped("/ws/chat"), "/ws/chat");
  EXPECT_EQ(stripped("/chat/"), "/");
  EXPECT_EQ(stripped("/chat"), "/ bare");
  EXPECT_EQ(stripped("/chatter"), "/chatter");
  std::string path = "/chat";
  EXPECT_FALSE(strip_base_path("", path));
  EXPECT_EQ(path, "/chat");
}

TEST_F(Routing, APathHasARouteOrNotWhateverTheMethod) {
  for (const auto* path : {"/", "/auth/login", "/auth/sessions/s1", "/health/live"})
    EXPECT_TRUE(router.has_route(path)) << path;
  for (const auto* path : {"/ws/chat", "/ws", "/auth", "/auth/login/more", "/nowhere"})
    EXPECT_FALSE(router.has_route(path)) << path;
}

TEST_F(Routing, MethodAndPathFindTheHandler) {
  EXPECT_EQ(resolve(ask("GET", "/")), "GET /");
  EXPECT_EQ(resolve(ask("DELETE", "/auth/sessions")), "DELETE /auth/sessions");
  EXPECT_EQ(resolve(ask("HEAD", "/health")), "GET /health");
}

TEST_F(Routing, ASegmentInBracesIsOneArgumentPercentDecoded) {
  EXPECT_EQ(resolve(ask("DELETE", "/auth/sessions/a%2Fb")), "DELETE /auth/sessions/{id}");
  EXPECT_THAT(args, testing::ElementsAre("a/b"));
  EXPECT_EQ(resolve(ask("DELETE", "/auth/sessions/")), "404 UNKNOWN_PATH") << "an argument is never empty";
  EXPECT_EQ(resolve(ask("DELETE", "/auth/sessions/%zz")), "404 UNKNOWN_PATH");
  EXPECT_EQ(resolve(ask("DELETE", "/auth/sessions/a/b")), "404 UNKNOWN_PATH");
}

TEST_F(Routing, AGatewayMayCallItsAuthServiceByAnyName) {
  const Headers service{{"Host", "auth.internal:8001"}, {"X-Service-ID", "foyer"}};
  EXPECT_EQ(resolve(ask("POST", "/auth/login", service)), "POST /auth/login") << "the handler verifies the signature";
  EXPECT_EQ(resolve(ask("POST", "/auth/login", {{"Host", "auth.internal:8001"}})), "421 HOST_NOT_ALLOWED");
  EXPECT_EQ(resolve(ask("GET", "/api/refusals", service)), "421 HOST_NOT_ALLOWED") << "nothing else is for services";
}

TEST_F(Routing, ALiteralPathWinsOverAnArgument) {
  EXPECT_EQ(resolve(ask("GET", "/causes/causes.css")), "GET /causes/causes.css");
  EXPECT_EQ(resolve(ask("GET", "/causes/NO_TOKEN")), "GET /causes/{code}");
}

TEST_F(Routing, AnUnknownPathIsRefusedAndNamesTheSocketsAddress) {
  EXPECT_EQ(resolve(ask("GET", "/nowhere")), "404 UNKNOWN_PATH");
  EXPECT_THAT(answer.body, testing::Not(HasSubstr("sockets")));
  EXPECT_EQ(resolve(ask("GET", "/ws")), "404 UNKNOWN_PATH");
  EXPECT_THAT(answer.body, HasSubstr(R"("sockets":["/ws/chat","/ws/echo"])"));
  EXPECT_EQ(resolve(ask("GET", "/connect", {{"Upgrade", "websocket"}})), "404 UNKNOWN_PATH");
  EXPECT_THAT(answer.body, HasSubstr("/ws/chat"));
  EXPECT_EQ(resolve(ask("GET", "/" + std::string(5000, 'a'))), "404 UNKNOWN_PATH");
  ASSERT_EQ(reported.size(), 4u);
  EXPECT_EQ(reported[0].evidence, "GET /nowhere");
}

TEST_F(Routing, AWrongMethodGetsTheRightOnes) {
  EXPECT_EQ(resolve(ask("POST", "/auth/sessions")), "405 METHOD_NOT_ALLOWED");
  EXPECT_EQ(header("Allow"), "GET, HEAD, DELETE");
}

TEST_F(Routing, AnUnknownMethodIsNotOneThatOtherPathsSupport) { // RFC 9110 §9.1, §15.6.2
  for (const char* method : {"BREW", "get", "PROPFIND"})
    EXPECT_EQ(resolve(ask(method, "/auth/sessions")), "501 METHOD_UNKNOWN") << method;
  for (const char* method : {"PATCH", "TRACE", "QUERY"})
    EXPECT_EQ(resolve(ask(method, "/auth/sessions")), "405 METHOD_NOT_ALLOWED") << method;
  EXPECT_EQ(resolve(ask("BREW", "/nowhere")), "404 UNKNOWN_PATH");
}

TEST_F(Routing, OptionsOfTheWholeServerIsAPing) { // RFC 9110 §9.3.7
  EXPECT_EQ(resolve(ask("OPTIONS", "*")), "204");
  EXPECT_EQ(header("Allow"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  EXPECT_EQ(resolve(ask("OPTIONS", "*", {{"Host", "evil.example"}})), "421 HOST_NOT_ALLOWED");
}

TEST_F(Routing, AForeignHostIsRefusedExceptWhereMachinesAsk) {
  EXPECT_EQ(resolve(ask("GET", "/", {{"Host", "evil.example"}})), "421 HOST_NOT_ALLOWED");
  EXPECT_EQ(resolve(ask("GET", "/", {{"Host", "127.0.0.1:8000"}})), "GET /");
  for (const char* path : {"/health", "/health/live", "/metrics", "/.well-known/jwks.json"})
    EXPECT_EQ(resolve(ask("GET", path, {{"Host", "pod-7.internal"}})), std::string("GET ") + path);
  EXPECT_EQ(resolve(ask("POST", "/internal/x", {{"Host", "pod-7.internal"}})), "POST /internal/x");
  EXPECT_EQ(resolve(ask("GET", "/healthy", {{"Host", "evil.example"}})), "421 HOST_NOT_ALLOWED");
}

TEST_F(Routing, ABodyThatIsNotJsonIsRefusedExceptTheFormsOfOAuth) {
  const auto post = [](std::string path, std::string type) {
    Request request = ask("POST", std::move(path));
    if (!type.empty()) request.headers.add("Content-Type", std::move(type));
    request.body = "x";
    return request;
  };
  EXPECT_EQ(resolve(post("/auth/login", "application/json")), "POST /auth/login");
  EXPECT_EQ(resolve(post("/auth/login", "Application/JSON ; charset=utf-8")), "POST /auth/login");
  EXPECT_EQ(resolve(post("/auth/login", "text/plain")), "415 CONTENT_TYPE_UNSUPPORTED");
  EXPECT_EQ(resolve(post("/auth/login", "application/jsonx")), "415 CONTENT_TYPE_UNSUPPORTED");
  EXPECT_EQ(resolve(post("/auth/login", "")), "415 CONTENT_TYPE_UNSUPPORTED");
  EXPECT_EQ(resolve(post("/oauth2/token", "application/x-www-form-urlencoded")), "POST /oauth2/token");
}

TEST_F(Routing, APreflightOfAnAllowedOriginIsAnsweredAndOfAForeignOneRefused) {
  EXPECT_EQ(resolve(ask("OPTIONS", "/auth/sessions",
                {{"Origin", "https://chat.example"}, {"Access-Control-Request-Method", "DELETE"}})),
      "204");
  EXPECT_EQ(header("Access-Control-Allow-Origin"), "https://chat.example");
  EXPECT_EQ(header("Access-Control-Allow-Methods"), "GET, HEAD, DELETE");
  EXPECT_EQ(header("Access-Control-Allow-Headers"), "Authorization, Content-Type, X-Room-Token");
  EXPECT_EQ(header("Access-Control-Allow-Credentials"), "");
  EXPECT_EQ(header("Vary"), "Origin");

  EXPECT_EQ(resolve(ask("OPTIONS", "/auth/sessions", {{"Origin", "https://evil.example"}})), "403 ORIGIN_NOT_ALLOWED");
  EXPECT_EQ(header("Access-Control-Allow-Origin"), "");
  EXPECT_EQ(header("Vary"), "Origin");
  EXPECT_EQ(resolve(ask("OPTIONS", "/api/refusals", {{"Origin", "https://chat.example"}})), "405 METHOD_NOT_ALLOWED")
      << "no CORS there";
}

struct Decorating : Routing {
  Response decorated(Request request, Response response) {
    router.decorate(request, response);
    answer = response;
    return response;
  }
};

TEST(StrictTransport, IsSentToHttpsClientsWhereConfigured) {
  for (const bool strict : {true, false})
    for (const bool secure : {true, false}) {
      const Router router({}, {.strict_transport = strict});
      Request request;
      request.path = "/health";
      request.secure = secure;
      Response response;
      router.decorate(request, response);
      const std::string* said = response.headers.find("Strict-Transport-Security");
      EXPECT_EQ(said == nullptr ? "" : *said, strict && secure ? "max-age=31536000" : "");
    }
}

TEST_F(Decorating, EveryAnswerCarriesTheMarkUnlessItHasOne) {
  decorated(ask("GET", "/"), {});
  EXPECT_EQ(header("X-Foyer"), "1.2.3; build=abc; ref=ref1");
  EXPECT_EQ(header("X-Content-Type-Options"), "nosniff");
  decorated(ask("GET", "/ws/chat"), {.status = 403, .headers = {{"X-Foyer", "foyer; ref=ref1"}}, .body = {}});
  EXPECT_EQ(header("X-Foyer"), "foyer; ref=ref1");
  EXPECT_EQ(answer.headers.count("X-Foyer"), 1u);
}

TEST_F(Decorating, AnswersWithCredentialsAreNeverStored) {
  for (const char* path : {"/auth/login", "/oauth2/token", "/api/refusals", "/rooms/tea/messages/1"}) {
    decorated(ask("GET", path), {});
    EXPECT_EQ(header("Cache-Control"), "no-store") << path;
  }
  decorated(ask("GET", "/"), {.status = 200, .headers = {{"Cache-Control", "max-age=60"}}, .body = {}});
  EXPECT_EQ(header("Cache-Control"), "max-age=60");
}

TEST_F(Decorating, AProblemOfTheServerApiHasItsErrorBeside) {
  resolve(ask("PUT", "/api/refusals"));
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(header("Allow"), "GET, HEAD");
  const auto body = json::parse(answer.body).value();
  const auto& error = body.as_object().at("error").as_object();
  EXPECT_EQ(json::get_int(error, "code"), 107);
  EXPECT_EQ(json::get_string(error, "cause"), "METHOD_NOT_ALLOWED");
  EXPECT_EQ(json::get_string(error, "ref"), "ref1");
  EXPECT_EQ(json::get_string(error, "message"), json::get_string(body.as_object(), "detail"));
  resolve(ask("PUT", "/auth/login"));
  EXPECT_FALSE(json::parse(answer.body).value().as_object().contains("error"));
}

TEST(ApiPath, TwoSlashesAreOneThere_AndNowhereElse) {
  const auto collapsed = [](std::string path) {
    collapse_api_path(path);
    return path;
  };
  EXPECT_EQ(collapsed("/api//publish"), "/api/publish");
  EXPECT_EQ(collapsed("//api///publish//x"), "/api/publish/x");
  EXPECT_EQ(collapsed("/api/publish"), "/api/publish");
  EXPECT_EQ(collapsed("/rooms//messages"), "/rooms//messages");
  EXPECT_EQ(collapsed("//apis/x"), "//apis/x");
  EXPECT_EQ(collapsed("//"), "//");
}

TEST_F(Decorating, APageMayLoadItsOwnFilesOnly) {
  decorated(ask("GET", "/"), {.status = 200, .headers = {{"Content-Type", "text/html; charset=utf-8"}}, .body = {}});
  const std::string csp = header("Content-Security-Policy");
  EXPECT_THAT(csp, HasSubstr("default-src 'none'"));
  EXPECT_THAT(csp, HasSubstr("connect-src 'self' wss://chat.example;"));
  EXPECT_THAT(csp, testing::Not(HasSubstr("unsafe")));
  EXPECT_EQ(header("Referrer-Policy"), "no-referrer");
  EXPECT_EQ(header("X-Frame-Options"), "DENY");
  decorated(ask("GET", "/"), json_response(200, "{}"));
  EXPECT_EQ(header("Content-Security-Policy"), "");
}

TEST_F(Decorating, AStrangeHostGetsNothingIntoThePolicy) {
  Request request = ask("GET", "/");
  request.origin_url = "https://chat.example; script-src *";
  decorated(request, {.status = 200, .headers = {{"Content-Type", "text/html"}}, .body = {}});
  EXPECT_THAT(header("Content-Security-Policy"), testing::Not(HasSubstr("script-src *")));
}

TEST_F(Decorating, OnlyAllowedOriginsMayRead_AndOnlyWhatIsShared) {
  decorated(ask("POST", "/auth/login", {{"Origin", "https://chat.example"}}), {});
  EXPECT_EQ(header("Access-Control-Allow-Origin"), "https://chat.example");
  EXPECT_EQ(header("Vary"), "Origin");
  decorated(ask("POST", "/auth/login", {{"Origin", "https://evil.example"}}), {});
  EXPECT_EQ(header("Access-Control-Allow-Origin"), "");
  EXPECT_EQ(header("Vary"), "Origin");
  decorated(ask("GET", "/rooms/tea/messages/1", {{"Origin", "https://chat.example"}}), {});
  EXPECT_EQ(header("Access-Control-Allow-Origin"), "https://chat.example");
  decorated(ask("GET", "/api/refusals", {{"Origin", "https://chat.example"}}), {});
  EXPECT_EQ(header("Access-Control-Allow-Origin"), "");
}

TEST_F(Routing, TwoEqualRoutesAreABug) {
  EXPECT_THROW(Router({route("GET", "/a/{x}"), route("GET", "/a/{y}")}, {.door = &policy}), std::logic_error);
}

} // namespace
} // namespace foyer::http

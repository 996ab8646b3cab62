// Forwarding: the forwarded request, the returned answer, and the answer when the auth service fails.
#include "auth/forwarder.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "auth/pooled_transport.h"
#include "auth/testing/links_world.h"

namespace foyer::auth {
namespace {

using namespace testing_world;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Request login() {
  Request request;
  request.method = "POST";
  request.path = "/auth/login";
  request.query = "x=secret";
  request.headers = {
      {"Host", "chat.example"}, {"Content-Type", "application/json"}, {"Cookie", "a=b"}, {"Content-Length", "2"}};
  request.body = "{}";
  request.address = "203.0.113.7";
  request.origin_url = "https://chat.example";
  request.secure = true;
  request.ref = Ref{"the-ref"};
  return request;
}

class Forwarding : public testing::Test {
 protected:
  std::shared_ptr<std::vector<Response>> send(Request request) {
    auto out = std::make_shared<std::vector<Response>>();
    forwarder.handler()(std::move(request), [out](Response response) { out->push_back(std::move(response)); });
    return out;
  }
  Response answer_of(Request request, Millis time = Millis{10}) {
    const auto out = send(std::move(request));
    w.pass(time);
    return out->size() == 1 ? out->front()
                            : Response{.status = 0, .headers = {}, .body = std::to_string(out->size()) + " answers"};
  }
  static std::string code(const Response& response) {
    const auto body = json::parse(response.body);
    return body && body->is_object() ? std::string(json::get_string(body->as_object(), "code").value_or("")) : "";
  }
  void serve(Response response) {
    w.server.serve = [response = std::move(response)](const Request&, VirtualServer::Reply reply) { reply(response); };
  }

  LinkWorld w;
  std::vector<std::string> reported;
  const ServiceIdentity identity{"gateway-1", kServiceSecret};
  Forwarder forwarder{w.around(w.server), identity, {.in_flight = 2, .body_bytes = 100},
      [this](const Request& request, const Refusal& refusal) {
    reported.push_back(request.path + " " + std::string(refusal.code()));
  }};
};

TEST_F(Forwarding, ARequestArrivesUnchangedAndSignedForThePerson) {
  serve(VirtualServer::json(200, {{"ok", true}}));
  const Response response = answer_of(login());
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"ok":true})");
  ASSERT_EQ(w.server.seen.size(), 1U);
  const Request& seen = w.server.seen.front();
  EXPECT_EQ(seen.method + " " + seen.path + "?" + seen.query + " " + seen.body, "POST /auth/login?x=secret {}");
  EXPECT_EQ(*seen.headers.find("Cookie"), "a=b");
  const auto claim = read_claim(seen);
  ASSERT_TRUE(claim);
  EXPECT_TRUE(signed_with(seen, *claim, identity.key()));
  EXPECT_EQ(claim->address, "203.0.113.7");
  EXPECT_EQ(claim->ref, "the-ref");
  EXPECT_EQ(claim->origin, "https://chat.example");
}

TEST_F(Forwarding, WhatOnlyTheGatewayMaySayIsTakenFromNoClient) {
  serve(VirtualServer::json(200, {}));
  Request request = login();
  for (const auto* name : {"x-service-signature", "X-Service-Nonce", "X-Foyer-Client-Address", "x-foyer-ref",
           "X-Foyer-Client-Origin", "X-Foyer-New", "X-Forwarded-For", "x-forwarded-proto", "Forwarded", "X-Real-IP",
           "Expect", "Upgrade", "TE", "Keep-Alive", "X-Hop", "Proxy-Authorization"})
    request.headers.add(name, "forged");
  request.headers.add("Connection", "close, X-Hop");
  answer_of(request);
  ASSERT_EQ(w.server.seen.size(), 1U);
  for (const auto& header : w.server.seen.front().headers.list()) EXPECT_NE(header.value, "forged") << header.name;
  EXPECT_EQ(w.server.seen.front().headers.find("Connection"), nullptr);
  EXPECT_EQ(w.server.seen.front().headers.find("Host"), nullptr) << "the transport's";
  EXPECT_EQ(*read_claim(w.server.seen.front()).value().address.c_str(), '2');
}

TEST_F(Forwarding, TheAddressThatAForwardAuthProxyWasAskedForIsPassedOnWithTheHandshake) {
  serve(VirtualServer::json(200, {}));
  Request request = login();
  for (const auto* name :
      {"X-Forwarded-Uri", "X-Original-URI", "Sec-WebSocket-Key", "Sec-WebSocket-Protocol", "Cookie", "Origin"})
    request.headers.set(name, "as it came");
  answer_of(request);
  ASSERT_EQ(w.server.seen.size(), 1U);
  for (const auto* name :
      {"X-Forwarded-Uri", "X-Original-URI", "Sec-WebSocket-Key", "Sec-WebSocket-Protocol", "Cookie", "Origin"}) {
    const std::string* value = w.server.seen.front().headers.find(name);
    ASSERT_NE(value, nullptr) << name;
    EXPECT_EQ(*value, "as it came") << name;
  }
}

// The router does not check the Host of a request that names a service.
TEST_F(Forwarding, ARequestThatNamesAServiceIsNotForwarded) {
  serve(VirtualServer::json(200, {}));
  Request request = login();
  request.headers.add("X-Service-ID", identity.id());
  const Response response = answer_of(request);
  EXPECT_EQ(code(response), "SERVICE_UNKNOWN");
  EXPECT_THAT(w.server.seen, IsEmpty());
  EXPECT_THAT(reported, ElementsAre("/auth/login SERVICE_UNKNOWN"));
}

// A signature without an address marks the gateway's own call.
TEST_F(Forwarding, APersonWithoutAnAddressIsNotTakenForTheGateway) {
  serve(VirtualServer::json(200, {}));
  Request request = login();
  request.address.clear();
  answer_of(request);
  ASSERT_EQ(w.server.seen.size(), 1U);
  EXPECT_EQ(read_claim(w.server.seen.front()).value().address, "unknown");
}

TEST_F(Forwarding, HeadIsAskedAsGetSoThatTheLengthIsRight) {
  serve(VirtualServer::json(200, {{"keys", json::Array{}}}));
  Request request = login();
  request.method = "HEAD";
  request.body.clear();
  EXPECT_EQ(answer_of(request).body, R"({"keys":[]})");
  EXPECT_EQ(w.server.seen.front().method, "GET");
}

TEST_F(Forwarding, AnAnswerComesBackAsItIs) {
  serve({.status = 429,
      .headers = {{"X-Foyer", "1; ref=theirs"}, {"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}, {"Retry-After", "7"},
          {"WWW-Authenticate", "Bearer"}, {"ETag", "\"e\""}, {"Cache-Control", "no-store"},
          {"Access-Control-Allow-Origin", "https://a.example"}, {"Content-Type", "text/plain"},
          {"Connection", "keep-alive, X-Hop"}, {"X-Hop", "1"}, {"Keep-Alive", "timeout=5"},
          {"Transfer-Encoding", "chunked"}, {"Date", "now"}},
      .body = "slow down"});
  const Response response = answer_of(login());
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.body, "slow down");
  std::vector<std::string> headers;
  for (const auto& header : response.headers.list()) headers.push_back(header.name + ": " + header.value);
  EXPECT_THAT(headers,
      ElementsAre("Set-Cookie: a=1", "Set-Cookie: b=2", "Retry-After: 7", "WWW-Authenticate: Bearer", "ETag: \"e\"",
          "Cache-Control: no-store", "Access-Control-Allow-Origin: https://a.example", "Content-Type: text/plain"));
}

TEST_F(Forwarding, EveryWeatherIsAProblemByItsNameOrTheAuthServicesOwnAnswer) {
  serve(VirtualServer::json(200, {{"ok", true}}));
  for (const auto& row : all_weathers()) {
    SCOPED_TRACE(row.name);
    w.server.always = row.weather;
    reported.clear();
    const auto before = w.server.attempts;
    const Response response = answer_of(login(), Millis{10'000});
    EXPECT_EQ(w.server.attempts, before + 1) << "no retries";
    // Any answer by a Foyer is passed on.
    if (row.weather == Weather::wrong_json || row.weather == Weather::half_json || row.weather == Weather::empty) {
      EXPECT_EQ(response.status, 200);
      continue;
    }
    if (row.weather == Weather::gateway) {
      EXPECT_EQ(code(response), "UNKNOWN_PATH");
      continue;
    }
    if (row.weather == Weather::unknown_code) {
      EXPECT_EQ(code(response), "NOT_YET_INVENTED");
      continue;
    }
    EXPECT_EQ(code(response), info(row.cause).code);
    EXPECT_EQ(response.status, info(row.cause).http);
    EXPECT_THAT(reported, ElementsAre("/auth/login " + std::string(info(row.cause).code)));
    EXPECT_THAT(response.body, HasSubstr("-ref")) << "our own problem has our ref, theirs keeps its own";
  }
}

TEST_F(Forwarding, ARefusalOfOurSignatureIsReportedUnderOurRef) {
  w.server.always = Weather::wrong_secret;
  const Response response = answer_of(login());
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(code(response), "SERVICE_SECRET_REJECTED");
  EXPECT_THAT(response.body, HasSubstr(R"("ref":"the-ref")"));
}

TEST_F(Forwarding, NobodyWaitsLongerThanTheDeadlineAndTheirPlacesAreFreeAgain) {
  w.server.always = Weather::hang_waiting;
  const auto first = send(login());
  const auto second = send(login());
  const Response third = answer_of(login());
  EXPECT_EQ(third.status, 503);
  EXPECT_EQ(code(third), "BUSY");
  EXPECT_EQ(*third.headers.find("Retry-After"), "1");
  EXPECT_THAT(w.metrics.text(),
      AllOf(HasSubstr("foyer_limit_used{limit=\"forwarded\"} 2\n"),
          HasSubstr("foyer_limit_refused_total{limit=\"forwarded\"} 1\n")));
  w.pass(Millis{4'980});
  EXPECT_THAT(*first, IsEmpty());
  w.pass(Millis{20});
  EXPECT_EQ(code(first->at(0)), "AUTH_SERVICE_TIMEOUT");
  EXPECT_EQ(code(second->at(0)), "AUTH_SERVICE_TIMEOUT");
  w.server.always = Weather::fine;
  serve(VirtualServer::json(200, {}));
  EXPECT_EQ(answer_of(login()).status, 200);
}

TEST_F(Forwarding, EveryRequestHasOneAnswerInAnyWeather) {
  FixedEntropy entropy(3);
  serve(VirtualServer::json(200, {}));
  std::vector<std::shared_ptr<std::vector<Response>>> all;
  for (int step = 0; step < 2'000; ++step) {
    w.server.always = all_weathers()[entropy.below(all_weathers().size())].weather;
    all.push_back(send(login()));
    w.pass(Millis{static_cast<int>(entropy.below(1'500))});
  }
  w.pass(Millis{10'000});
  for (const auto& answers : all) ASSERT_EQ(answers->size(), 1U);
  EXPECT_THAT(w.metrics.text(), HasSubstr("foyer_limit_used{limit=\"forwarded\"} 0\n"));
}

TEST_F(Forwarding, ABodyBeyondTheLimitStaysHere) {
  Request request = login();
  request.body = std::string(101, ' ');
  EXPECT_EQ(code(answer_of(request)), "BODY_TOO_LARGE");
  EXPECT_EQ(w.server.attempts, 0U);
}

TEST_F(Forwarding, AnAddressThatLeadsBackHereIsNamedAfterOneRound) {
  std::string inner;
  w.server.serve = [&](const Request& request, VirtualServer::Reply reply) { // the request arrives at the same gateway
    forwarder.handler()(request, [&inner, reply = std::move(reply)](Response response) mutable {
      inner = code(response);
      response.headers.add("X-Foyer", "1");
      reply(std::move(response));
    });
  };
  const Response response = answer_of(login());
  EXPECT_EQ(inner, "INVALID_RESPONSE_FORMAT");
  EXPECT_EQ(code(response), "INVALID_RESPONSE_FORMAT");
  EXPECT_EQ(w.server.attempts, 1U);
}

TEST_F(Forwarding, EveryPathOfTheAuthServiceIsAmongItsRoutes) {
  std::vector<std::string> seen;
  for (const Route& route : forwarder.routes()) seen.push_back(route.method + " " + route.path);
  EXPECT_THAT(seen,
      testing::IsSupersetOf({"POST /auth/{a}", "DELETE /auth/{a}/{b}", "POST /oauth2/{a}", "GET /.well-known/{a}"}));
}

struct Listener {
  int socket = -1;
  std::uint16_t port = 0;
};

Listener listen_on_loopback() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::listen(socket, 1);
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return {.socket = socket, .port = ntohs(address.sin_port)};
}

// Answers two requests on one connection; returns the second request.
std::string answer_twice(const Listener& listener) {
  const int socket = ::accept(listener.socket, nullptr, nullptr);
  std::string request;
  for (int i = 0; i < 2; ++i) {
    char c = 0;
    request.clear();
    while (!request.ends_with("\r\n\r\n{}") && ::read(socket, &c, 1) == 1) request.push_back(c);
    const std::string answer =
        "HTTP/1.1 201 Created\r\nX-Foyer: 1\r\nSet-Cookie: a=1\r\nTransfer-Encoding: "
        "chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    (void)!::write(socket, answer.data(), answer.size());
  }
  ::close(socket);
  return request;
}

// Over sockets: through the real pool, to a server that echoes the request.
TEST(ForwardingOverSockets, ARequestGoesThereAndComesBack) {
  const Listener listener = listen_on_loopback();
  std::string request;
  std::thread server([&] { request = answer_twice(listener); });
  std::vector<Response> got;
  {
    exec::ControlPlane plane("forward");
    Metrics metrics;
    PooledTransport transport(plane, {.server = *wire::parse_url("http://127.0.0.1:" + std::to_string(listener.port))});
    const ServiceIdentity identity("gateway-1", kServiceSecret);
    Forwarder forwarder({.clock = system_clock(),
                            .entropy = system_entropy(),
                            .log = null_log(),
                            .metrics = metrics,
                            .transport = transport,
                            .control = plane},
        identity, {.deadline = Millis{20'000}});
    std::promise<void> done;
    std::function<void()> ask = [&] {
      forwarder.handler()(login(), [&](Response response) {
        got.push_back(std::move(response));
        if (got.size() < 3)
          ask();
        else
          done.set_value();
      });
    };
    std::thread closer([&] { // no server listens any more when the third request comes
      server.join();
      ::close(listener.socket);
    });
    plane.post([&] { ask(); });
    done.get_future().wait();
    closer.join();
    plane.stop();
  }
  EXPECT_THAT(request, HasSubstr("POST /auth/login?x=secret HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_THAT(request, HasSubstr("X-Foyer-Client-Address: 203.0.113.7\r\n"));
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(std::to_string(got[0].status) + got[0].body + *got[0].headers.find("Set-Cookie"), "201oka=1");
  EXPECT_EQ(got[1].body, "ok");
  EXPECT_EQ(got[2].status, 503);
}

} // namespace
} // namespace foyer::auth

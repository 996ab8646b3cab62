// GET /auth/check: the answer to a forward-auth proxy about the request that it holds.
#include <gmock/gmock.h>

#include "accounts/testing/accounts_world.h"
#include "accounts/testing/services_world.h"

namespace foyer::accounts {
namespace {

using testing_world::Answer;
using testing_world::Ask;
using testing_world::ServicesWorld;
using testing_world::test_policy;
using testing_world::World;

constexpr const char* kOurPage = "https://chat.example";

Answer check(World& w, Ask ask = {}) { return w.call("GET", "/auth/check", std::move(ask)); }
Answer handshake(World& w, Ask ask = {}) {
  for (const auto* name : {"Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"})
    ask.headers.add(name,
        name == std::string_view{"Upgrade"}                 ? "websocket"
            : name == std::string_view{"Connection"}        ? "Upgrade"
            : name == std::string_view{"Sec-WebSocket-Key"} ? "dGhlIHNhbXBsZSBub25jZQ=="
                                                            : "13");
  return check(w, std::move(ask));
}

std::string cookie_of(const Answer& login) {
  const std::string header = login.header("Set-Cookie");
  return header.substr(0, header.find(';'));
}

struct Person {
  std::string id, token, cookie;
};

Person alice(World& w) {
  EXPECT_EQ(w.register_user("alice").status, 201);
  const Answer in =
      w.post("/auth/login", R"({"name":"alice","password":"a quiet place","cookie":true})", {.origin = kOurPage});
  EXPECT_EQ(in.status, 200) << in.body;
  return {.id = std::string{*json::get_string(in.json.at("user").as_object(), "id")},
      .token = in.text("access_token"),
      .cookie = cookie_of(in)};
}

AccountsPolicy policy() {
  auto out = test_policy();
  out.allowed_origins = {kOurPage};
  return out;
}

TEST(ForwardAuth, ARequestWithABearerTokenMayPassAndTheProxyLearnsWhoseItIs) {
  World w(policy());
  const Person who = alice(w);
  const Answer may = check(w, {.bearer = who.token});
  EXPECT_EQ(may.status, 204) << may.body;
  EXPECT_EQ(may.header("X-Foyer-User"), who.id);
  EXPECT_EQ(may.header("Cache-Control"), "no-store");
  EXPECT_EQ(handshake(w, {.bearer = who.token}).status, 204) << "a native client's socket";
}

TEST(ForwardAuth, WithoutACredentialNobodyIsLoggedIn) {
  World w(policy());
  const Answer none = check(w);
  EXPECT_EQ(none.status, 401);
  EXPECT_EQ(none.code(), "NO_TOKEN");
  EXPECT_NE(none.header("WWW-Authenticate"), "");
  EXPECT_EQ(none.header("X-Foyer-User"), "");
  EXPECT_EQ(handshake(w).code(), "NO_TOKEN");
  EXPECT_EQ(check(w, {.bearer = "a.b.c"}).status, 401);
}

TEST(ForwardAuth, APageWithTheSessionCookieMayPass) {
  World w(policy());
  const Person who = alice(w);
  const Answer page = check(w, {.cookie = who.cookie});
  EXPECT_EQ(page.status, 204) << page.body;
  EXPECT_EQ(page.header("X-Foyer-User"), who.id);
  EXPECT_EQ(check(w, {.cookie = "__Host-foyer_session=nobody"}).code(), "SESSION_UNKNOWN");
}

TEST(ForwardAuth, ABrowsersSocketWithTheSessionCookieMayPassFromOurPagesAlone) {
  World w(policy());
  const Person who = alice(w);
  EXPECT_EQ(handshake(w, {.cookie = who.cookie, .origin = kOurPage}).status, 204);
  const Answer foreign = handshake(w, {.cookie = who.cookie, .origin = "https://evil.example"});
  EXPECT_EQ(foreign.status, 403);
  EXPECT_EQ(foreign.code(), "ORIGIN_NOT_ALLOWED");
  const Answer without = handshake(w, {.cookie = who.cookie});
  EXPECT_EQ(without.status, 403);
  EXPECT_EQ(without.code(), "ORIGIN_REQUIRED");
  EXPECT_EQ(check(w, {.cookie = who.cookie, .origin = "https://evil.example"}).status, 403) << "a form of another site";
}

TEST(ForwardAuth, ASocketWithTheTokenAsASubprotocolMayPass) {
  World w(policy());
  const Person who = alice(w);
  const Answer may = handshake(w,
      {.cookie = who.cookie,
          .origin = kOurPage,
          .headers = {{"Sec-WebSocket-Protocol", "foyer.v1, bearer." + who.token}}});
  EXPECT_EQ(may.status, 204) << may.body;
  EXPECT_EQ(may.header("X-Foyer-User"), who.id);
  EXPECT_EQ(handshake(w, {.headers = {{"Sec-WebSocket-Protocol", "foyer.v1, bearer.???"}}}).code(), "INVALID_FORMAT");
  EXPECT_EQ(handshake(w, {.headers = {{"Sec-WebSocket-Protocol", "foyer.v1, bearer.a.b.c"}}}).status, 401)
      << "no fallback to a weaker credential";
}

TEST(ForwardAuth, ASocketWithATicketMayPassAndTheTicketIsNotUsedUp) {
  World w(policy());
  const Person who = alice(w);
  const std::string ticket = w.post("/auth/tickets", "{}", {.bearer = who.token, .origin = kOurPage}).text("ticket");
  for (const auto* header : {"X-Forwarded-Uri", "X-Original-URI"}) {
    const Answer may = handshake(w, {.origin = kOurPage, .headers = {{header, "/ws/chat?ticket=" + ticket}}});
    EXPECT_EQ(may.status, 204) << may.body;
    EXPECT_EQ(may.header("X-Foyer-User"), who.id);
  }
  EXPECT_EQ(handshake(w,
                {.origin = kOurPage,
                    .headers = {{"X-Forwarded-Uri", "/ws/chat?ticket=" + ticket},
                        {"X-Original-URI", "/ws/chat?ticket=" + ticket}}})
                .status,
      204)
      << "one ticket, named twice";
  const auto redeem = [&] {
    return w.wait<Identity>([&](auto done) {
      w.service->redeem_ticket(
          {.ticket = ticket, .origin = kOurPage, .address = "10.0.0.1", .attempt = "1", .ref = Ref{"r"}},
          std::move(done));
    });
  };
  EXPECT_TRUE(redeem()) << "the socket itself uses it up";
  EXPECT_EQ(handshake(w, {.origin = kOurPage, .headers = {{"X-Forwarded-Uri", "/ws/chat?ticket=" + ticket}}}).code(),
      "TICKET_USED");
  EXPECT_EQ(check(w, {.headers = {{"X-Forwarded-Uri", "/cinema?ticket=" + ticket}}}).code(), "NO_TOKEN")
      << "for an ordinary page it is a parameter of its own";
}

TEST(ForwardAuth, TwoCredentialsAreNone) {
  World w(policy());
  const Person who = alice(w);
  const Answer two =
      handshake(w, {.bearer = who.token, .headers = {{"Sec-WebSocket-Protocol", "foyer.v1, bearer." + who.token}}});
  EXPECT_EQ(two.status, 401) << "proxies treat 400 as a fault of this server";
  EXPECT_EQ(two.code(), "AMBIGUOUS_CREDENTIALS");
  EXPECT_EQ(json::get_int(two.json, "status"), 401);
}

TEST(ForwardAuth, ADisabledUserMayNotPass) {
  World w(policy());
  const Person who = alice(w);
  ASSERT_TRUE(w.wait<bool>(
      [&](auto done) { w.store->set_disabled(UserId{who.id}, true, {.at = w.clock.wall()}, std::move(done)); }));
  for (const Answer& no : {check(w, {.bearer = who.token}), check(w, {.cookie = who.cookie})}) {
    EXPECT_EQ(no.status, 403) << no.body;
    EXPECT_EQ(no.code(), "USER_DISABLED");
  }
}

TEST(ForwardAuth, ChecksAreNotAuditedAndHaveARateOfTheirOwn) {
  auto strict = policy();
  strict.check_rate = {.burst = 5, .per_second = 1};
  World w(strict);
  const Person who = alice(w);
  const auto audited = w.audited();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(check(w, {.cookie = who.cookie}).status, 204);
  EXPECT_EQ(w.audited(), audited) << "a proxy checks every part of a page";
  EXPECT_EQ(check(w, {.cookie = who.cookie}).code(), "ADDRESS_RATE_LIMIT");
}

} // namespace
} // namespace foyer::accounts

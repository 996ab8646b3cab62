// Requests of a signed-in user, and calls of a gateway: over
// HTTP and through the contract, with a real database.
#include <gmock/gmock.h>

#include "accounts/testing/accounts_world.h"

namespace foyer::accounts {
namespace {

using auth::RevocationEvent;
using std::chrono::days;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_world::Answer;
using testing_world::Ask;
using testing_world::test_policy;
using testing_world::World;

std::string id_of(const Answer& in) {
  return std::string{json::get_string(in.json.at("user").as_object(), "id").value()};
}

Result<Identity> redeem(
    World& w, std::string ticket, std::string attempt, std::optional<std::string> origin = std::nullopt) {
  return w.wait<Identity>([&](auto done) {
    w.service->redeem_ticket({.ticket = std::move(ticket),
                                 .origin = std::move(origin),
                                 .address = "10.0.0.1",
                                 .attempt = std::move(attempt),
                                 .ref = Ref{"r"}},
        std::move(done));
  });
}
Result<Identity> check_cookie(World& w, std::string cookie) {
  return w.wait<Identity>([&](auto done) {
    w.service->check_cookie({.cookie = std::move(cookie), .address = "10.0.0.1", .ref = Ref{"r"}}, std::move(done));
  });
}

struct Watch {
  std::vector<std::string> seen;
  int synchronised = 0;
  explicit Watch(World& w) {
    w.service->watch_revocations([this](const std::vector<RevocationEvent>& events) {
      for (const auto& e : events) {
        const char* kind[] = {"token", "session", "before", "user"};
        const char* reason[] = {"", " disabled", " enabled", " deleted"};
        seen.push_back(std::string{kind[static_cast<int>(e.kind)]} + ' ' + e.id + reason[static_cast<int>(e.reason)]);
      }
    }, [this](WallTime) { ++synchronised; });
    w.turns.run_posted();
  }
};

TEST(Bearer, TheFaultOfTheTokenIsReported) {
  World w;
  const Answer in = w.register_user("alice");
  const std::string token = in.text("access_token");
  const Answer none = w.call("GET", "/auth/me");
  EXPECT_EQ(none.status, 401);
  EXPECT_EQ(none.code(), "NO_TOKEN");
  EXPECT_EQ(none.header("WWW-Authenticate"), R"(Bearer realm="foyer")");
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = "nonsense"}).code(), "INVALID_FORMAT");
  EXPECT_EQ(w.call("GET", "/auth/me", {.query = "access_token=" + token}).code(), "TOKEN_IN_URL");
  EXPECT_EQ(
      w.call("GET", "/auth/me", {.bearer = token, .query = "access_token=" + token}).code(), "AMBIGUOUS_CREDENTIALS");
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = in.text("refresh_token")}).code(), "WRONG_TOKEN_TYPE");
  w.advance(minutes{15} + seconds{30});
  const Answer late = w.call("GET", "/auth/me", {.bearer = token});
  EXPECT_EQ(late.status, 401);
  EXPECT_EQ(late.code(), "TOKEN_EXPIRED");
  EXPECT_THAT(late.header("WWW-Authenticate"), HasSubstr(R"(error="invalid_token")"));
  EXPECT_THAT(w.refusals, Contains("TOKEN_EXPIRED"));
}

TEST(Logout, EndsTheSessionItsTokensAndItsSockets) {
  World w;
  const Answer in = w.register_user("alice");
  Watch watch(w);
  EXPECT_EQ(w.call("POST", "/auth/logout", {.bearer = in.text("access_token")}).status, 204);
  EXPECT_THAT(watch.seen, ElementsAre("session " + in.text("session")));
  const Answer after = w.call("GET", "/auth/me", {.bearer = in.text("access_token")});
  EXPECT_EQ(after.status, 401);
  EXPECT_EQ(after.code(), "SESSION_REVOKED");
  EXPECT_THAT(w.audited(), Contains("logout OK"));
}

TEST(SessionsRoute, MineAreListedAndOneOrTheOthersOrAllAreEnded) {
  World w;
  const Answer a = w.register_user("alice");
  w.advance(seconds{1});
  const Answer b = w.login("alice");
  w.advance(seconds{1});
  const Answer c = w.login("alice");
  const Answer bob = w.register_user("bob");

  const Answer list = w.call("GET", "/auth/sessions", {.bearer = b.text("access_token")});
  ASSERT_EQ(list.status, 200) << list.body;
  const auto& sessions = list.json.at("sessions").as_array();
  ASSERT_EQ(sessions.size(), 3u);
  const auto& newest = sessions[0].as_object();
  EXPECT_EQ(json::get_string(newest, "id"), c.text("session"));
  EXPECT_EQ(json::get_string(newest, "device"), "Test/1.0");
  EXPECT_EQ(json::get_string(newest, "address"), "10.0.0.1");
  EXPECT_EQ(json::get_string(newest, "created"), "2023-11-14T22:13:22.000Z");
  EXPECT_EQ(json::get_bool(newest, "current"), false);
  EXPECT_EQ(json::get_bool(sessions[1].as_object(), "current"), true);

  Watch watch(w);
  EXPECT_EQ(w.call("DELETE", "/auth/sessions/" + a.text("session"), {.bearer = b.text("access_token")}).status, 204);
  EXPECT_EQ(w.call("GET", "/auth/sessions/" + a.text("session"), {.bearer = b.text("access_token")}).status, 404);
  EXPECT_EQ(w.call("GET", "/auth/sessions/" + c.text("session"), {.bearer = b.text("access_token")}).text("id"),
      c.text("session"));
  const Answer again = w.call("DELETE", "/auth/sessions/" + a.text("session"), {.bearer = b.text("access_token")});
  EXPECT_EQ(again.status, 404);
  EXPECT_EQ(again.code(), "NOT_FOUND");
  EXPECT_EQ(w.call("DELETE", "/auth/sessions/" + b.text("session"), {.bearer = bob.text("access_token")}).code(),
      "NOT_FOUND"); // another's
  EXPECT_EQ(w.call("DELETE", "/auth/sessions", {.bearer = b.text("access_token"), .query = "others=maybe"}).field(),
      "others");
  EXPECT_EQ(w.call("DELETE", "/auth/sessions", {.bearer = b.text("access_token"), .query = "others=true"}).status, 204);
  EXPECT_THAT(watch.seen, ElementsAre("session " + a.text("session"), "session " + c.text("session")));
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = b.text("access_token")}).status, 200);
  EXPECT_EQ(w.call("DELETE", "/auth/sessions", {.bearer = b.text("access_token")}).status, 204);
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = b.text("access_token")}).code(), "SESSION_REVOKED");
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = bob.text("access_token")}).status, 200);
}

TEST(SessionsRoute, BeyondTheLimitTheOneUnusedLongestEnds) {
  auto policy = test_policy();
  policy.sessions_per_user = 2;
  World w(policy);
  const Answer first = w.register_user("alice");
  w.advance(seconds{1});
  const Answer second = w.login("alice");
  w.advance(seconds{1});
  const Answer third = w.login("alice");
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = first.text("access_token")}).code(), "SESSION_REVOKED");
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = second.text("access_token")}).status, 200);
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = third.text("access_token")}).status, 200);
}

TEST(Password, AChangeNeedsTheOldOneAndEndsAllOtherSessions) {
  World w;
  const Answer here = w.register_user("alice");
  const Answer there = w.login("alice");
  const auto change = [&](std::string_view old_one, std::string_view new_one) {
    return w.post("/auth/password",
        R"({"password":")" + std::string{old_one} + R"(","new_password":")" + std::string{new_one} + R"("})",
        {.bearer = here.text("access_token")});
  };
  const Answer wrong = change("another place", "a louder place");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(wrong.code(), "CREDENTIALS_REJECTED");
  EXPECT_EQ(wrong.field(), "password");
  const Answer weak = change("a quiet place", "password1");
  EXPECT_EQ(weak.code(), "PASSWORD_COMMON");
  EXPECT_EQ(weak.field(), "new_password");
  Watch watch(w);
  EXPECT_EQ(change("a quiet place", "a louder place").status, 204);
  EXPECT_THAT(watch.seen, ElementsAre("session " + there.text("session")));
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = here.text("access_token")}).status, 200);
  EXPECT_EQ(w.refresh(there.text("refresh_token")).code(), "REFRESH_UNKNOWN");
  EXPECT_EQ(w.login("alice").code(), "CREDENTIALS_REJECTED");
  EXPECT_EQ(w.login("alice", "a louder place").status, 200);
}

TEST(Password, ALoginThatWasUnderWayWithTheOldOneOpensNothing) {
  World w;
  const Answer here = w.register_user("alice");
  // The login's comparison waits in the queue; meanwhile the password changes.
  std::vector<Answer> late;
  w.send("POST", "/auth/login", {.body = R"({"name":"alice","password":"a quiet place"})"},
      [&](Answer answer) { late.push_back(std::move(answer)); });
  const std::string change = R"({"password":"a quiet place","new_password":"a louder place"})";
  w.send("POST", "/auth/password", {.body = change, .bearer = here.text("access_token")},
      [](const Answer& answer) { EXPECT_EQ(answer.status, 204); });
  w.turns.run_posted();
  ASSERT_EQ(late.size(), 1U);
  // In either order: no session of the old password outlives the change.
  if (late[0].status == 200)
    EXPECT_EQ(w.refresh(late[0].text("refresh_token")).code(), "REFRESH_UNKNOWN");
  else
    EXPECT_EQ(late[0].code(), "CREDENTIALS_REJECTED");
  EXPECT_EQ(w.login("alice").code(), "CREDENTIALS_REJECTED");
  EXPECT_EQ(w.login("alice", "a louder place").status, 200);
}

TEST(Password, TwoLoginsAtOnceOverAHashThatIsMadeBetterBothGetIn) {
  World w;
  w.register_user("alice");
  AccountsPolicy dearer = testing_world::test_policy();
  dearer.hash_cost.passes = 2;
  w.restart(dearer);
  std::vector<int> statuses;
  for (int i = 0; i < 2; ++i)
    w.send("POST", "/auth/login", {.body = R"({"name":"alice","password":"a quiet place"})"},
        [&](const Answer& answer) { statuses.push_back(answer.status); });
  w.turns.run_posted();
  EXPECT_THAT(statuses, ElementsAre(200, 200));
}

TEST(Me, ADeletedAccountIsGoneAndItsMessagesAreDetached) {
  World w;
  const Answer in = w.register_user("alice");
  Watch watch(w);
  EXPECT_EQ(w.call("DELETE", "/auth/me", {.body = R"({"password":"a quiet place"})", .bearer = in.text("access_token")})
                .status,
      204);
  EXPECT_THAT(watch.seen, ElementsAre("user " + id_of(in) + " deleted"));
  EXPECT_THAT(w.deleted, ElementsAre(id_of(in)));
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = in.text("access_token")}).code(), "USER_UNKNOWN");
  EXPECT_EQ(w.refresh(in.text("refresh_token")).code(), "REFRESH_UNKNOWN");
  EXPECT_EQ(w.login("alice").code(), "CREDENTIALS_REJECTED");
  const Answer anew = w.register_user("alice");
  EXPECT_EQ(anew.status, 201);
  EXPECT_NE(id_of(anew), id_of(in));
  w.restart();
  EXPECT_THAT(w.deleted, ElementsAre(id_of(in), id_of(in))); // if the process had ended in between
}

TEST(TicketsRoute, ATicketSpeaksForItsCallerOnceFromTheOriginThatAsked) {
  World w;
  const Answer in = w.register_user("alice");
  const Answer t =
      w.call("POST", "/auth/tickets", {.bearer = in.text("access_token"), .origin = "https://chat.example"});
  ASSERT_EQ(t.status, 201) << t.body;
  EXPECT_EQ(t.text("ticket").size(), 43u);
  EXPECT_EQ(json::get_int(t.json, "expires_in"), 30);
  EXPECT_EQ(t.text("url"), "wss://chat.example/ws/chat?ticket=" + t.text("ticket"));

  EXPECT_EQ(redeem(w, t.text("ticket"), "1", "https://evil.example").error().cause, Cause::TICKET_UNKNOWN);
  const auto who = redeem(w, t.text("ticket"), "2", "https://chat.example");
  ASSERT_TRUE(who) << who.error().evidence;
  EXPECT_EQ(who->user.str(), id_of(in));
  EXPECT_EQ(who->name, "alice");
  EXPECT_EQ(who->session.str(), in.text("session"));
  EXPECT_FALSE(who->token.empty()) << "the token that requested it: revoking it ends the socket";
  EXPECT_EQ(who->permissions, (Permissions{.chat_read = true, .chat_write = true}));
  EXPECT_EQ(rfc3339(who->expires_at), "2023-11-14T22:28:20.000Z"); // never longer than the caller's token
  EXPECT_TRUE(who->own_account);
  EXPECT_TRUE(redeem(w, t.text("ticket"), "2", "https://chat.example"));
  EXPECT_EQ(redeem(w, t.text("ticket"), "3", "https://chat.example").error().cause, Cause::TICKET_USED);
  EXPECT_THAT(w.audited(3), ElementsAre("ticket_use TICKET_USED", "ticket_use OK", "ticket_use OK"));
}

TEST(TicketsRoute, AFullTableIsBusyAndTheMetricsShowHowFullTheTablesAre) {
  auto policy = test_policy();
  policy.tickets.max_tickets = 2;
  World w(policy);
  const Answer in = w.register_user("alice");
  (void)w.login("alice", "not the password");
  for (const int status : {201, 201, 503})
    EXPECT_EQ(w.call("POST", "/auth/tickets", {.bearer = in.text("access_token")}).status, status);
  w.tick();
  EXPECT_THAT(w.metrics.text(),
      AllOf(HasSubstr("foyer_limit_used{limit=\"tickets\"} 2\n"),
          HasSubstr("foyer_limit_refused_total{limit=\"tickets\"} 1\n"),
          HasSubstr("foyer_limit_used{limit=\"login_pairs\"} 1\n"),
          HasSubstr("foyer_limit_used{limit=\"factor_guesses\"} 0\n"),
          HasSubstr("foyer_limit_used{limit=\"auth_buckets\"} 3\n"),
          HasSubstr("foyer_limit_max{limit=\"audit_rows\"} 10000\n")));
}

TEST(TicketsRoute, OfTwoAttemptsAtTheSameMomentOneIsAdmitted) {
  World w;
  const Answer in = w.register_user("alice");
  const std::string ticket = w.call("POST", "/auth/tickets", {.bearer = in.text("access_token")}).text("ticket");
  int admitted = 0;
  int used = 0;
  for (const auto* attempt : {"1", "2", "3"})
    w.service->redeem_ticket(
        {.ticket = ticket, .origin = {}, .address = "10.0.0.1", .attempt = attempt, .ref = Ref{"r"}},
        [&](Result<Identity> who) {
      if (who)
        ++admitted;
      else if (who.error().cause == Cause::TICKET_USED)
        ++used;
    });
  w.turns.run_posted();
  EXPECT_EQ(admitted, 1);
  EXPECT_EQ(used, 2);
}

TEST(TicketsRoute, ItsLifeIsAskedForWithinBounds) {
  World w;
  const Answer in = w.register_user("alice");
  const auto mint = [&](std::string body) {
    return w.post("/auth/tickets", body, {.bearer = in.text("access_token")});
  };
  for (const auto* bad : {R"({"ttl":61})", R"({"ttl":0})", R"({"ttl":-5})", R"({"ttl":"30"})", R"({"ttl":1.5})",
           R"({"ttl":99999999999999})"}) {
    const Answer refused = mint(bad);
    EXPECT_EQ(refused.status, 400) << bad;
    EXPECT_EQ(refused.field(), "ttl") << bad;
  }
  EXPECT_EQ(mint(R"({"origin":"chat.example"})").field(), "origin");
  EXPECT_EQ(mint(R"({"origin":"https://chat.example/"})").field(), "origin");
  const Answer shortest = mint(R"({"ttl":1,"origin":"https://other.example"})");
  EXPECT_EQ(json::get_int(shortest.json, "expires_in"), 1);
  w.advance(seconds{1});
  EXPECT_EQ(redeem(w, shortest.text("ticket"), "1", "https://other.example").error().cause, Cause::TICKET_EXPIRED);
  const Answer here = mint(R"({"bind_address":true})");
  EXPECT_TRUE(redeem(w, here.text("ticket"), "1"));
}

TEST(TicketsRoute, EndsWithItsSession) {
  World w;
  const Answer in = w.register_user("alice");
  const std::string ticket = w.call("POST", "/auth/tickets", {.bearer = in.text("access_token")}).text("ticket");
  w.call("POST", "/auth/logout", {.bearer = in.text("access_token")});
  EXPECT_EQ(redeem(w, ticket, "1").error().cause, Cause::SESSION_REVOKED);
}

TEST(TicketsRoute, EndsWithTheTokenThatAskedForIt) {
  World w;
  const Answer in = w.register_user("alice");
  const auto mint = [&] { return w.call("POST", "/auth/tickets", {.bearer = in.text("access_token")}).text("ticket"); };
  const std::string used = mint();
  const std::string unused = mint();
  const auto who = redeem(w, used, "1");
  ASSERT_TRUE(who) << who.error().evidence;
  ASSERT_TRUE(w.wait<bool>([&](auto done) {
    w.store->revoke_token(
        who->token, {.at = w.clock.wall(), .action = "token_revoke", .outcome = "OK"}, std::move(done));
  }));
  EXPECT_EQ(redeem(w, unused, "2").error().cause, Cause::TOKEN_REVOKED);
  EXPECT_EQ(redeem(w, unused, "3").error().cause, Cause::TOKEN_REVOKED) << "and it stays refused";
}

TEST(CookieOfASocket, SpeaksForItsSessionUntilThatEnds) {
  World w;
  w.register_user("alice");
  const Answer in = w.post("/auth/login", R"({"name":"alice","password":"a quiet place","cookie":true})");
  const std::string set = in.header("Set-Cookie");
  const std::string cookie = set.substr(set.find('=') + 1, 43);
  const auto who = check_cookie(w, cookie);
  ASSERT_TRUE(who) << who.error().evidence;
  EXPECT_EQ(who->session.str(), in.text("session"));
  EXPECT_EQ(who->expires_at, w.clock.wall() + days{14});
  EXPECT_EQ(check_cookie(w, "something else").error().cause, Cause::SESSION_UNKNOWN);
  w.advance(days{13});
  EXPECT_EQ(check_cookie(w, cookie)->expires_at, w.clock.wall() + days{14}); // used, so not idle
  w.advance(days{14});
  EXPECT_EQ(check_cookie(w, cookie).error().cause, Cause::SESSION_EXPIRED);
}

TEST(Revocations, WhatAnotherProcessWroteIsSeenAtTheNextPoll) {
  World w;
  const Answer in = w.register_user("alice");
  Watch watch(w);
  EXPECT_EQ(watch.synchronised, 1);
  EXPECT_THAT(watch.seen, IsEmpty());
  {
    const auto beside = w.open_store(); // like `foyer user disable`
    const auto listed = w.wait<std::vector<UserListing>>([&](auto done) { beside->list_users(std::move(done)); });
    ASSERT_TRUE(w.wait<bool>([&](auto done) {
      beside->set_disabled(
          listed->at(0).user.id, true, {.at = w.clock.wall(), .action = "disable", .outcome = "OK"}, std::move(done));
    }));
  }
  EXPECT_THAT(watch.seen, IsEmpty());
  w.tick();
  EXPECT_THAT(watch.seen, ElementsAre("user " + id_of(in) + " disabled"));
  EXPECT_EQ(watch.synchronised, 2);
  w.tick();
  EXPECT_EQ(watch.seen.size(), 1u);
  EXPECT_EQ(watch.synchronised, 3);
  Watch late(w); // starts with the first row
  EXPECT_THAT(late.seen, ElementsAre("user " + id_of(in) + " disabled"));
}

TEST(Secrets, NoneIsInTheDatabaseOrInAnAnswerOfTheOperator) {
  World w;
  const Answer in = w.register_user("alice", "a quiet place");
  const std::string ticket = w.call("POST", "/auth/tickets", {.bearer = in.text("access_token")}).text("ticket");
  w.refresh(in.text("refresh_token"));
  w.login("alice", "my other password");
  w.restart();
  const std::string bytes = w.dir.read("accounts.sqlite") + w.dir.read("accounts.sqlite-wal");
  for (const std::string& secret : {std::string{"a quiet place"}, std::string{"my other password"},
           in.text("access_token"), in.text("refresh_token"), ticket})
    EXPECT_EQ(bytes.find(secret), std::string::npos) << secret;
}

} // namespace
} // namespace foyer::accounts

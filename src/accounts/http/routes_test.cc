// Registering, signing in, refreshing: over HTTP with a real database.
#include <argon2.h>
#include <gmock/gmock.h>

#include <array>
#include <set>

#include "accounts/testing/accounts_world.h"
#include "base/bytes.h"

namespace foyer::accounts {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing_world::Answer;
using testing_world::Ask;
using testing_world::test_policy;
using testing_world::World;

TEST(Register, APersonRegistersAndIsSignedIn) {
  World w;
  const Answer a =
      w.post("/auth/register", R"({"name":"Alice","password":"a quiet place","email":"alice@example.org"})");
  EXPECT_EQ(a.status, 201) << a.body;
  EXPECT_EQ(a.header("Cache-Control"), "no-store");
  EXPECT_EQ(a.header("Content-Type"), "application/json");
  EXPECT_EQ(a.text("token_type"), "Bearer");
  EXPECT_EQ(json::get_int(a.json, "expires_in"), 900);
  EXPECT_EQ(a.text("refresh_token").size(), 43u);
  EXPECT_EQ(json::get_string(a.json.at("user").as_object(), "name"), "Alice");
  EXPECT_FALSE(a.text("session").empty());

  const Answer me = w.call("GET", "/auth/me", {.bearer = a.text("access_token")});
  EXPECT_EQ(me.status, 200) << me.body;
  EXPECT_EQ(me.text("name"), "Alice");
  EXPECT_EQ(me.text("email"), "alice@example.org");
  EXPECT_EQ(me.text("session"), a.text("session"));
  EXPECT_EQ(json::write(me.json.at("permissions")), R"(["chat:read","chat:write"])");
  EXPECT_EQ(me.text("expires_at"), "2023-11-14T22:28:20.000Z");
  EXPECT_THAT(w.audited(), ElementsAre("register OK"));
}

TEST(Register, NamesOfTheServerOrItsOperatorsCannotBeRegistered) {
  AccountsPolicy policy = test_policy();
  policy.reserved_names = {"Boss"};
  World w(policy);
  for (const auto* name : {"admin", "Admin", "ADMINISTRATOR", "adm1n", "ad-min", "s.y.s.t.e.m", "support", "supp0rt",
           "admin@chat.example", "root", "foyer", "boss"}) {
    const Answer refused = w.register_user(name);
    EXPECT_EQ(refused.status, 422) << name;
    EXPECT_EQ(refused.code(), "NAME_RESERVED") << name;
    EXPECT_EQ(refused.field(), "name");
  }
  for (const auto* name : {"adminah", "rooty", "alice.admin", "supporter"})
    EXPECT_EQ(w.register_user(name).status, 201) << name;
}

TEST(Register, AReservedNameThatExistsAlreadyKeepsWorking) {
  World w;
  const UserRow user{.id = UserId{"u_admin"},
      .name = "admin",
      .email = {},
      .password = hash_password("a quiet place", {.memory_kib = 8, .passes = 1, .lanes = 1}, w.entropy),
      .admin = false,
      .disabled = false,
      .created = w.clock.wall()};
  ASSERT_TRUE(w.wait<bool>([&](auto done) {
    w.store->create_user(user, {}, {}, {.at = w.clock.wall(), .action = "add", .outcome = "OK"}, std::move(done));
  }));
  EXPECT_EQ(w.login("admin").status, 200);
}

TEST(Register, ANameIsTakenInWhateverCase) {
  World w;
  ASSERT_EQ(w.register_user("Alice").status, 201);
  const Answer again = w.register_user("aLICE");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.code(), "NAME_TAKEN");
  EXPECT_EQ(again.field(), "name");
  EXPECT_EQ(again.header("Cache-Control"), "no-store");
}

TEST(Register, OfTwoAtTheSameMomentOneGetsTheName) {
  World w;
  std::vector<int> statuses;
  for (int i = 0; i < 2; ++i)
    w.send("POST", "/auth/register", {.body = R"({"name":"alice","password":"a quiet place"})"},
        [&](Answer a) { statuses.push_back(a.status); });
  w.turns.run_posted();
  EXPECT_THAT(statuses, testing::UnorderedElementsAre(201, 409));
}

TEST(Register, WhatIsWrongIsNamed) {
  World w;
  const auto refused = [&w](std::string body, int status, std::string code, std::string field) {
    const Answer a = w.post("/auth/register", body);
    EXPECT_EQ(a.status, status) << body << a.body;
    EXPECT_EQ(a.code(), code) << body;
    EXPECT_EQ(a.field(), field) << body;
    EXPECT_EQ(a.header("Content-Type"), "application/problem+json");
  };
  refused(R"({"name":"al ice","password":"a quiet place"})", 422, "NAME_INVALID", "name");
  refused(R"({"name":"","password":"a quiet place"})", 422, "NAME_INVALID", "name");
  refused(R"({"name":"alice","password":"short"})", 422, "PASSWORD_TOO_SHORT", "password");
  refused(R"({"name":"alice","password":"password123"})", 422, "PASSWORD_COMMON", "password");
  refused(R"({"name":"alice","password":")" + std::string(1025, 'x') + R"("})", 422, "PASSWORD_TOO_LONG", "password");
  refused(R"({"name":"alice","password":"a quiet place","email":"nowhere"})", 400, "BAD_REQUEST", "email");
  refused(R"({"name":"alice"})", 400, "BAD_REQUEST", "password");
  refused(R"({"name":"alice","password":7})", 400, "BAD_REQUEST", "password");
  refused(R"({"name":"alice","password":"a quiet place","admin":true})", 400, "BAD_REQUEST", "admin");
  refused(R"({"name":"alice","name":"bob","password":"a quiet place"})", 400, "BAD_REQUEST", "");
  refused(R"(["alice"])", 400, "BAD_REQUEST", "");
  refused(R"({"name":"alice")", 400, "BAD_REQUEST", "");
  const Answer form = w.post("/auth/register", "name=alice", {.content_type = "application/x-www-form-urlencoded"});
  EXPECT_EQ(form.status, 415);
  EXPECT_EQ(form.code(), "CONTENT_TYPE_UNSUPPORTED");
  EXPECT_EQ(w.post("/auth/register", R"({"name":"alice","password":"a quiet place"})", {.content_type = ""}).code(),
      "CONTENT_TYPE_UNSUPPORTED");
  EXPECT_EQ(w.post("/auth/register", std::string(17'000, ' ')).code(), "BODY_TOO_LARGE");
  EXPECT_EQ(w.post("/auth/register", R"({"name":"alice","password":"a quiet place"})",
                 {.content_type = "Application/JSON; charset=utf-8"})
                .status,
      201);
}

TEST(Register, AClosedDoorIsSaidSo) {
  auto policy = test_policy();
  policy.registration = Registration::closed;
  World w(policy);
  const Answer a = w.register_user("alice");
  EXPECT_EQ(a.status, 403);
  EXPECT_EQ(a.code(), "REGISTRATION_CLOSED");
  EXPECT_THAT(w.audited(), ElementsAre("register REGISTRATION_CLOSED"));
}

TEST(Register, AnInvitationLetsOnePersonIn) {
  auto policy = test_policy();
  policy.registration = Registration::invite;
  World w(policy);
  const WallTime now = w.clock.wall();
  ASSERT_TRUE(w.wait<bool>([&](auto done) {
    w.store->add_invitation({.hash = digest("code"), .created = now, .expires = now + days{7}},
        {.at = now, .action = "invite", .outcome = "OK"}, std::move(done));
  }));
  const auto with = [&w](std::string_view name, std::string_view code) {
    return w.post("/auth/register",
        R"({"name":")" + std::string{name} + R"(","password":"a quiet place","invitation":")" + std::string{code} +
            R"("})");
  };
  EXPECT_EQ(w.register_user("alice").code(), "INVITATION_REJECTED");
  EXPECT_EQ(with("alice", "other").code(), "INVITATION_REJECTED");
  EXPECT_EQ(with("alice", "code").status, 201);
  const Answer again = with("bob", "code");
  EXPECT_EQ(again.status, 403);
  EXPECT_EQ(again.field(), "invitation");
  EXPECT_EQ(w.login("bob").code(), "CREDENTIALS_REJECTED"); // nothing is stored of the refused one
}

TEST(Register, AnInvitationEnds) {
  auto policy = test_policy();
  policy.registration = Registration::invite;
  World w(policy);
  const WallTime now = w.clock.wall();
  ASSERT_TRUE(w.wait<bool>([&](auto done) {
    w.store->add_invitation(
        {.hash = digest("code"), .created = now, .expires = now + days{7}}, {.at = now}, std::move(done));
  }));
  w.advance(days{7});
  EXPECT_EQ(w.post("/auth/register", R"({"name":"alice","password":"a quiet place","invitation":"code"})").code(),
      "INVITATION_REJECTED");
}

TEST(Login, TheRightPasswordOpensASessionOfItsOwn) {
  World w;
  const Answer first = w.register_user("alice");
  const Answer second = w.login("ALICE");
  EXPECT_EQ(second.status, 200) << second.body;
  EXPECT_NE(second.text("session"), first.text("session"));
  EXPECT_EQ(json::get_string(second.json.at("user").as_object(), "name"), "alice");
}

TEST(Login, AnUnknownUserAndAWrongPasswordGetTheSameAnswer) {
  World w;
  w.register_user("alice");
  Answer wrong = w.login("alice", "another place");
  Answer unknown = w.login("nobody", "another place");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(wrong.code(), "CREDENTIALS_REJECTED");
  EXPECT_FALSE(wrong.header("WWW-Authenticate").empty());
  wrong.json.erase("ref");
  unknown.json.erase("ref");
  EXPECT_EQ(json::write(wrong.json), json::write(unknown.json));
  EXPECT_THAT(w.audited(2), ElementsAre("login CREDENTIALS_REJECTED", "login CREDENTIALS_REJECTED"));
}

TEST(Login, FiveWrongPasswordsLockThisNameAtThisAddressForAMinute) {
  World w;
  w.register_user("alice");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(w.login("alice", "another place").code(), "CREDENTIALS_REJECTED");
  const Answer locked = w.login("alice");
  EXPECT_EQ(locked.status, 429);
  EXPECT_EQ(locked.code(), "LOGIN_LOCKED");
  EXPECT_EQ(locked.header("Retry-After"), "60");
  EXPECT_EQ(w.login("alice", "a quiet place", {.address = "10.0.0.2"}).status, 200);
  w.advance(minutes{1});
  EXPECT_EQ(w.login("alice").status, 200);
  EXPECT_EQ(w.login("alice", "another place").code(), "CREDENTIALS_REJECTED");
}

TEST(Login, ANameThatDoesNotExistIsLockedLikeAnother) {
  World w;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(w.login("nobody").code(), "CREDENTIALS_REJECTED");
  EXPECT_EQ(w.login("nobody").code(), "LOGIN_LOCKED");
}

TEST(Login, GuessesSentAtOnceGetNoMoreTriesThanGuessesInARow) {
  World w;
  w.register_user("alice");
  std::multiset<std::string> codes;
  for (int i = 0; i < 50; ++i)
    w.send("POST", "/auth/login", {.body = R"({"name":"alice","password":"another place"})"},
        [&](Answer a) { codes.insert(a.code()); });
  w.turns.run_posted();
  EXPECT_EQ(codes.count("CREDENTIALS_REJECTED"), 5u);
  EXPECT_EQ(codes.count("LOGIN_LOCKED"), 45u);
}

TEST(Login, APasswordIsTheSameFromEveryKeyboard) {
  World w;
  const std::string composed = "caf\u00E9 au lait";
  const std::string decomposed = "cafe\u0301 au lait"; // as Firefox on macOS sends it
  ASSERT_EQ(w.register_user("alice", composed).status, 201);
  EXPECT_EQ(w.login("alice", decomposed).status, 200);
  ASSERT_EQ(w.register_user("bob", decomposed).status, 201);
  EXPECT_EQ(w.login("bob", composed).status, 200);
  EXPECT_EQ(w.login("bob", "cafe au lait").code(), "CREDENTIALS_REJECTED");
}

TEST(Login, AHashOfTheBytesAsTypedStillOpensAndIsMadeAnew) {
  World w;
  const HashCost cost{.memory_kib = 8, .passes = 1, .lanes = 1};
  // Created by a release that hashed the bytes as sent.
  const auto hashed_as_typed = [&cost](const std::string& bytes) {
    std::array<char, 256> out{};
    EXPECT_EQ(argon2id_hash_encoded(cost.passes, cost.memory_kib, cost.lanes, bytes.data(), bytes.size(),
                  "0123456789abcdef", 16, 32, out.data(), out.size()),
        ARGON2_OK);
    return std::string{out.data()};
  };
  for (const auto& [name, typed] : {std::pair<std::string, std::string>{"alice", "cafe\u0301 au lait"},
           {"bob", "family \U0001F468\u200D\U0001F469"}}) {
    const UserRow user{.id = UserId{"u_" + name},
        .name = name,
        .email = {},
        .password = hashed_as_typed(typed),
        .admin = false,
        .disabled = false,
        .created = w.clock.wall()};
    ASSERT_TRUE(w.wait<bool>([&](auto done) {
      w.store->create_user(user, {}, {}, {.at = w.clock.wall(), .action = "add", .outcome = "OK"}, std::move(done));
    }));
    EXPECT_EQ(w.login(name, typed).status, 200) << name;
    EXPECT_EQ(w.login(name, typed).status, 200) << name << ", again";
  }
  EXPECT_EQ(w.login("alice", "caf\u00E9 au lait").status, 200) << "now from any keyboard";
}

TEST(Register, ACharacterThatAPasswordCannotHoldIsNamed) {
  World w;
  const Answer refused = w.register_user("alice", "family \U0001F468\u200D\U0001F469");
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.code(), "PASSWORD_CHARACTER");
  EXPECT_EQ(refused.field(), "password");
  EXPECT_THAT(refused.body, HasSubstr("U+200D ZERO WIDTH JOINER"));
}

TEST(Login, ADisabledUserIsNamedSoOnlyWithTheRightPasswordAndLogsInAgainOnceEnabled) {
  World w;
  const Answer a = w.register_user("alice");
  const UserId id{json::get_string(a.json.at("user").as_object(), "id").value()};
  ASSERT_TRUE(w.wait<bool>([&](auto done) {
    w.store->set_disabled(
        id, true, {.at = w.clock.wall(), .action = "disable", .outcome = "OK", .user = id}, std::move(done));
  }));
  EXPECT_EQ(w.login("alice", "another place").code(), "CREDENTIALS_REJECTED");
  const Answer right = w.login("alice");
  EXPECT_EQ(right.status, 403);
  EXPECT_EQ(right.code(), "USER_DISABLED");
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = a.text("access_token")}).code(), "USER_DISABLED");
  EXPECT_EQ(w.refresh(a.text("refresh_token")).code(), "USER_DISABLED");
  ASSERT_TRUE(w.wait<bool>([&](auto done) {
    w.store->set_disabled(
        id, false, {.at = w.clock.wall(), .action = "enable", .outcome = "OK", .user = id}, std::move(done));
  }));
  EXPECT_EQ(w.login("alice").status, 200);
  EXPECT_EQ(w.refresh(a.text("refresh_token")).code(), "REFRESH_UNKNOWN") << "old sessions stay ended";
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = a.text("access_token")}).code(), "SESSION_REVOKED");
}

TEST(Login, AFullHashingQueueIsBusyAndCountsAgainstNobody) {
  World w;
  w.register_user("alice");
  w.hashing_full = true;
  for (int i = 0; i < 8; ++i) {
    const Answer busy = w.login("alice");
    EXPECT_EQ(busy.status, 503);
    EXPECT_EQ(busy.code(), "BUSY");
    EXPECT_EQ(busy.header("Retry-After"), "2");
  }
  w.hashing_full = false;
  EXPECT_EQ(w.login("alice").status, 200);
}

TEST(Login, AHashIsMadeAnewWhenTheCostRises) {
  World w;
  w.register_user("alice");
  auto dearer_policy = test_policy();
  dearer_policy.hash_cost = {.memory_kib = 16, .passes = 2, .lanes = 1};
  w.restart(dearer_policy);
  EXPECT_EQ(w.login("alice").status, 200);
  const auto costs = w.wait<std::vector<std::string>>([&](auto done) { w.store->password_costs(std::move(done)); });
  EXPECT_THAT(*costs, ElementsAre("$argon2id$v=19$m=16,t=2,p=1$"));
  EXPECT_EQ(w.login("alice").status, 200);
}

TEST(Login, OneAddressHasALimitPerEndpoint) {
  auto policy = test_policy();
  policy.rate = {.burst = 3, .per_second = 1};
  World w(policy);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(w.login("nobody").status, 401);
  const Answer limited = w.login("nobody");
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(limited.code(), "ADDRESS_RATE_LIMIT");
  EXPECT_EQ(limited.header("Retry-After"), "1");
  EXPECT_EQ(w.register_user("alice").status, 201);
  EXPECT_EQ(w.login("nobody", "x", {.address = "10.0.0.9"}).status, 401);
  w.advance(seconds{1});
  EXPECT_EQ(w.login("nobody").status, 401);
}

} // namespace
} // namespace foyer::accounts

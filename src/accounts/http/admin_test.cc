// The administrators' API: its functions, the answers to others, and that no answer contains a secret.
#include <gmock/gmock.h>

#include <algorithm>

#include "accounts/testing/accounts_world.h"

namespace foyer::accounts {
namespace {

using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing_world::Answer;
using testing_world::Ask;
using testing_world::World;

struct Office {
  World w;
  std::string root = [this] {
    const UserRow user{.id = UserId{"u_root"},
        .name = "root",
        .email = {},
        .password = hash_password("a quiet place", {.memory_kib = 8, .passes = 1, .lanes = 1}, w.entropy),
        .admin = true,
        .disabled = false,
        .created = w.clock.wall()};
    EXPECT_TRUE(w.wait<bool>([&](auto done) {
      w.store->create_user(user, std::nullopt, std::nullopt, {.at = w.clock.wall()}, std::move(done));
    }));
    return w.login("root").text("access_token");
  }();
  Answer alice = w.register_user("alice");
  std::string alice_id = std::string{*json::get_string(alice.json.at("user").as_object(), "id")};

  Answer ask(std::string_view method, std::string_view path, std::string query = {}, std::string body = {}) {
    return w.call(method, path, {.body = std::move(body), .bearer = root, .query = std::move(query)});
  }
  Answer as_alice(std::string_view method, std::string_view path) {
    return w.call(method, path, {.bearer = alice.text("access_token")});
  }
};

TEST(Admin, OthersAreDenied) {
  Office o;
  for (const auto& [method, path] : std::vector<std::pair<std::string, std::string>>{{"GET", "/auth/admin/users"},
           {"POST", "/auth/admin/users/u_root/disable"}, {"POST", "/auth/admin/users/u_root/enable"},
           {"DELETE", "/auth/admin/users/u_root"}, {"GET", "/auth/admin/services"}, {"GET", "/auth/admin/keys"},
           {"POST", "/auth/admin/keys/rotate"}, {"GET", "/auth/admin/audit"}}) {
    const Answer denied = o.as_alice(method, path);
    EXPECT_EQ(denied.status, 403) << method << path;
    EXPECT_EQ(denied.code(), "PERMISSION_DENIED") << method << path;
    EXPECT_EQ(o.w.call(method, path).code(), "NO_TOKEN") << method << path;
  }
  EXPECT_EQ(o.w.keys->key_set()->keys().size(), 1u);
}

TEST(Admin, UsersComeByNameAPageAtATime) {
  Office o;
  o.w.register_user("Bob");
  const Answer first = o.ask("GET", "/auth/admin/users", "limit=2");
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(first.text("next"), "Bob");
  const auto& users = first.json.at("users").as_array();
  ASSERT_EQ(users.size(), 2u);
  EXPECT_EQ(json::write(users[0]),
      R"({"id":")" + o.alice_id +
          R"(","name":"alice","admin":false,"disabled":false,"created":"2023-11-14T22:13:20.000Z","last_seen":"2023-11-14T22:13:20.000Z"})");
  const Answer second = o.ask("GET", "/auth/admin/users", "limit=2&after=Bob");
  EXPECT_EQ(second.json.at("users").as_array().size(), 1u);
  EXPECT_EQ(second.text("next"), "");
  EXPECT_THAT(first.body, Not(HasSubstr("argon2")));
  EXPECT_EQ(o.ask("GET", "/auth/admin/users", "limit=0").field(), "limit");
  EXPECT_EQ(o.ask("GET", "/auth/admin/users", "limit=1001").code(), "BAD_REQUEST");
}

TEST(Admin, DisablesEnablesAndDeletesOthersButNotThemselves) {
  Office o;
  EXPECT_EQ(o.ask("POST", "/auth/admin/users/" + o.alice_id + "/disable").status, 204);
  EXPECT_EQ(o.as_alice("GET", "/auth/me").code(), "USER_DISABLED");
  EXPECT_EQ(o.ask("POST", "/auth/admin/users/" + o.alice_id + "/enable").status, 204);
  EXPECT_EQ(o.as_alice("GET", "/auth/me").code(), "SESSION_REVOKED") << "a disabled user must log in again";
  EXPECT_EQ(o.ask("DELETE", "/auth/admin/users/" + o.alice_id).status, 204);
  EXPECT_EQ(o.w.login("alice").code(), "CREDENTIALS_REJECTED");
  EXPECT_THAT(o.w.deleted, ElementsAre(o.alice_id));
  EXPECT_EQ(o.ask("DELETE", "/auth/admin/users/" + o.alice_id).code(), "NOT_FOUND");
  EXPECT_EQ(o.ask("POST", "/auth/admin/users/u_root/disable").code(), "PERMISSION_DENIED");
  EXPECT_EQ(o.ask("DELETE", "/auth/admin/users/u_root").code(), "PERMISSION_DENIED");
  const Answer audit = o.ask("GET", "/auth/admin/audit", "limit=50");
  ASSERT_EQ(audit.status, 200);
  EXPECT_THAT(audit.body, HasSubstr(R"("action":"user_disable","outcome":"OK","user":")" + o.alice_id + '"'));
  EXPECT_THAT(audit.body, HasSubstr(R"("detail":"by u_root")"));
  EXPECT_EQ(o.ask("GET", "/auth/admin/audit", "limit=1").json.at("audit").as_array().size(), 1u);
}

TEST(Admin, ADisabledAdministratorIsNone) {
  Office o;
  ASSERT_TRUE(o.w.wait<bool>(
      [&](auto done) { o.w.store->set_disabled(UserId{"u_root"}, true, {.at = o.w.clock.wall()}, std::move(done)); }));
  EXPECT_EQ(o.ask("GET", "/auth/admin/keys").code(), "USER_DISABLED");
}

TEST(Admin, RotatesTheSigningKey) {
  Office o;
  const Answer made = o.ask("POST", "/auth/admin/keys/rotate", {}, R"({"publish_for":600})");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.text("state"), "ahead");
  EXPECT_EQ(made.text("active_from"), "2023-11-14T22:23:20.000Z");
  const Answer keys = o.ask("GET", "/auth/admin/keys");
  EXPECT_EQ(keys.json.at("keys").as_array().size(), 2u);
  EXPECT_THAT(keys.body, Not(HasSubstr("\"d\"")));
  EXPECT_EQ(o.ask("POST", "/auth/admin/keys/rotate", {}, R"({"publish_for":-5})").field(), "publish_for");
}

TEST(Admin, ServicesAreListedWithoutTheirSecrets) {
  Office o;
  const ServiceRow row{.id = "gateway",
      .secrets = {{.sealed_key = "sealed-and-not-to-be-seen",
          .created = o.w.clock.wall(),
          .fingerprints = {{"as it is", "1a2b3c4d"}}}},
      .may_call = {"auth"},
      .disabled = false,
      .created = o.w.clock.wall()};
  ASSERT_TRUE(
      o.w.wait<bool>([&](auto done) { o.w.store->add_service(row, {.at = o.w.clock.wall()}, std::move(done)); }));
  EXPECT_EQ(o.ask("GET", "/auth/admin/services").body,
      R"({"services":[{"id":"gateway","may_call":["auth"],"disabled":false,"created":"2023-11-14T22:13:20.000Z","secrets":[{"created":"2023-11-14T22:13:20.000Z"}]}]})");
}

TEST(RevokeEverything, ByACommandWhoseClockIsAheadMeansNowAndNotUntilThen) {
  World w;
  const Answer in = w.register_user("alice");
  const UserId id{*json::get_string(in.json.at("user").as_object(), "id")};
  std::vector<auth::RevocationEvent> events;
  w.service->watch_revocations(
      [&events](const auto& some) { events.insert(events.end(), some.begin(), some.end()); }, {});
  w.turns.run_posted();
  const WallTime now = w.clock.wall();
  ASSERT_TRUE(w.wait<bool>([&](auto done) {
    w.store->revoke_before(id, all_until(now + std::chrono::hours{1}),
        {.at = now + std::chrono::hours{1}, .action = "user_revoke", .outcome = "OK"}, std::move(done));
  }));
  w.tick();
  EXPECT_EQ(std::ranges::count(events, auth::RevocationEvent::Kind::before, &auth::RevocationEvent::kind), 1);
  for (const auto& event : events) EXPECT_LE(event.at, now);
  const auto kept = w.wait<RevocationPage>([&](auto done) { w.store->revocations_after(0, 100, std::move(done)); });
  const auto before =
      std::ranges::find(kept->events, auth::RevocationEvent::Kind::before, &auth::RevocationEvent::kind);
  ASSERT_NE(before, kept->events.end());
  EXPECT_EQ(before->at, all_until(now)) << "the next process reads the same";
}

TEST(RevokeEverything, EndsWhatWasIssuedBeforeAndNothingAfterNotEvenInTheSameSecond) {
  World w;
  w.advance(Millis{300});
  const Answer before = w.register_user("alice");
  const UserId id{*json::get_string(before.json.at("user").as_object(), "id")};
  const Answer bob = w.register_user("bob");
  std::vector<auth::RevocationEvent> events;
  w.service->watch_revocations(
      [&events](const auto& some) { events.insert(events.end(), some.begin(), some.end()); }, {});
  w.advance(Millis{200});
  ASSERT_TRUE(w.wait<bool>([&](auto done) {
    w.store->revoke_before(id, all_until(w.clock.wall()),
        {.at = w.clock.wall(), .action = "user_revoke", .outcome = "OK"}, std::move(done));
  }));
  w.advance(Millis{200});
  const Answer after = w.login("alice");
  w.tick();
  // The gateway's check: by its session, or issued before the time of the event.
  const auto revoked = [&](const Answer& in) {
    const std::string session = in.text("session");
    const auto issued = from_unix_seconds(unix_seconds(w.clock.wall())); // all of them in the same second
    return std::ranges::any_of(events, [&](const auth::RevocationEvent& e) {
      return (e.kind == auth::RevocationEvent::Kind::session && e.id == session) ||
          (e.kind == auth::RevocationEvent::Kind::before &&
              e.id == json::get_string(in.json.at("user").as_object(), "id") && issued < e.at);
    });
  };
  EXPECT_TRUE(revoked(before));
  EXPECT_FALSE(revoked(after));
  EXPECT_FALSE(revoked(bob));
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = before.text("access_token")}).code(), "SESSION_REVOKED");
  EXPECT_EQ(w.refresh(before.text("refresh_token")).status, 401);
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = after.text("access_token")}).status, 200);
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = bob.text("access_token")}).status, 200);
}

} // namespace
} // namespace foyer::accounts

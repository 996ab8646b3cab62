// Authentication of services: signatures, the order of faults, rotation, changes by other processes.
#include <gmock/gmock.h>

#include "accounts/testing/services_world.h"
#include "base/bytes.h"
#include "base/fingerprint.h"

namespace foyer::accounts {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing_world::Answer;
using testing_world::As;
using testing_world::kOtherSecret;
using testing_world::kOwnSecret;
using testing_world::ServicesWorld;
using testing_world::test_policy;

constexpr std::string_view kPath = "/internal/revocations";
constexpr std::string_view kBody = R"({"after":0,"wait_ms":0})";

Answer ask(ServicesWorld& w, const As& as = {}) { return w.signed_post(kPath, std::string{kBody}, as); }

TEST(Services, TheAuthServiceRegistersItsOwnAndMayCallItself) {
  ServicesWorld w;
  EXPECT_EQ(ask(w).status, 200);
  const auto rows = w.wait<std::vector<ServiceRow>>([&](auto done) { w.store->list_services(std::move(done)); });
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ(rows->front().id, "auth");
  EXPECT_EQ(rows->front().may_call, std::vector<std::string>{"auth"});
  ASSERT_EQ(rows->front().secrets.size(), 1U);
  const auto& secret = rows->front().secrets.front();
  EXPECT_THAT(secret.sealed_key, Not(HasSubstr(base64url_encode(auth::service_key(kOwnSecret)))));
  EXPECT_THAT(secret.fingerprints,
      Contains(std::pair<std::string, std::string>(
          "plus a newline", fingerprint(kServiceSecretOption, std::string{kOwnSecret} + "\n"))));
  EXPECT_THAT(w.audited(1), Contains("service_add OK"));
}

TEST(Services, TheConfiguredSecretTakesThePlaceOfTheRegisteredOne) {
  ServicesWorld w;
  ServiceRegistry other(*w.store, w.seal, w.runners(), w.shared, w.clock, w.entropy, w.log, w.metrics,
      [](std::string_view) { return true; });
  other.start("auth", "a new secret of gateway and auth service");
  w.turns.run_posted();
  w.advance(seconds{1});
  w.tick();
  EXPECT_EQ(ask(w, {.secret = "a new secret of gateway and auth service"}).status, 200);
  EXPECT_EQ(ask(w).code(), "SERVICE_SECRET_REJECTED");
}

TEST(Services, AStartWithASecretThatIsLiveLeavesARotationAlone) {
  ServicesWorld w;
  w.change_service("auth", [&](ServiceRow& row) {
    row.secrets.insert(
        row.secrets.begin(), seal_service_secret(w.seal, "auth", kOtherSecret, true, w.clock.wall(), w.entropy));
  });
  ServiceRegistry again(*w.store, w.seal, w.runners(), w.shared, w.clock, w.entropy, w.log, w.metrics,
      [](std::string_view) { return true; });
  again.start("auth", std::string{kOwnSecret});
  w.turns.run_posted();
  w.advance(seconds{1});
  w.tick();
  EXPECT_EQ(ask(w).status, 200);
  EXPECT_EQ(ask(w, {.secret = std::string{kOtherSecret}}).status, 200) << "both are accepted while rotating";
}

TEST(Services, AWeakSecretHasNoFingerprints) {
  FixedEntropy entropy;
  const auto seal = store::SealKey::from_secret("the store's key of the test's world").value();
  EXPECT_TRUE(seal_service_secret(seal, "a", "short", false, WallTime{}, entropy).fingerprints.empty());
}

TEST(Services, TheFirstFaultInTheOrderIsReported) {
  ServicesWorld w;
  w.add_service("stranger", kOtherSecret, {"mail"});
  w.add_service("resting", kOtherSecret, {"auth"});
  w.change_service("resting", [](ServiceRow& row) { row.disabled = true; });
  const std::string other{kOtherSecret};
  EXPECT_EQ(w.post(kPath, std::string{kBody}).code(), "SERVICE_CREDENTIALS_MISSING");
  const Millis late = -minutes{5};
  EXPECT_EQ(ask(w, {.id = "nobody", .clock_ahead = late}).code(), "SERVICE_UNKNOWN");
  w.advance(Millis{250});
  EXPECT_EQ(ask(w, {.id = "stranger", .secret = "wrong", .clock_ahead = late}).code(), "SERVICE_SECRET_REJECTED");
  EXPECT_EQ(ask(w, {.id = "stranger", .secret = other, .clock_ahead = late}).code(), "SERVICE_NOT_ALLOWED");
  EXPECT_EQ(ask(w, {.id = "resting", .secret = other, .clock_ahead = late}).code(), "SERVICE_NOT_ALLOWED");
  const Answer expired = ask(w, {.clock_ahead = late});
  EXPECT_EQ(expired.code(), "SERVICE_REQUEST_EXPIRED");
  EXPECT_EQ(expired.status, 503);
  EXPECT_EQ(expired.header("Content-Type"), "application/problem+json");
  EXPECT_THAT(w.log.all(), HasSubstr("dated 300.0 s behind this machine's clock"));
  w.advance(seconds{1}); // one line a second for each cause
  EXPECT_EQ(ask(w, {.clock_ahead = seconds{61}}).code(), "SERVICE_REQUEST_EXPIRED");
  EXPECT_THAT(w.log.all(), HasSubstr("dated 61.0 s ahead of this machine's clock"));
  EXPECT_EQ(ask(w, {.clock_ahead = seconds{60}}).status, 200);
  w.advance(minutes{1}); // a window later every request is newer than the process
  EXPECT_EQ(ask(w, {.clock_ahead = -seconds{60}}).status, 200);
}

TEST(Services, ARequestFromBeforeTheProcessBeganIsRefused) {
  ServicesWorld w;
  w.advance(seconds{1});
  EXPECT_EQ(ask(w, {.clock_ahead = -seconds{1}}).status, 200) << "of the first moment";
  const Answer before = ask(w, {.clock_ahead = -seconds{2}}); // a login, recorded and replayed after a restart
  EXPECT_EQ(before.code(), "SERVICE_REQUEST_EXPIRED");
  EXPECT_THAT(w.log.all(), HasSubstr("dated 1.0 s before this process began"));
}

TEST(Services, AClockThatIsSetBackDoesNotMakeNewRequestsOld) {
  FixedEntropy entropy;
  ManualClock clock;
  const auth::ServiceIdentity gateway("gateway", kOtherSecret);
  ServiceBook book;
  book.set({{.id = "gateway", .secrets = {{.key = gateway.key(), .fingerprints = {}}}, .may_call = {"auth"}}});
  book.begins(clock.mono());
  clock.advance(minutes{5});
  const WallTime back = clock.wall() - std::chrono::hours{1};
  const auto check = [&](WallTime dated) {
    Request request;
    request.method = "POST";
    request.path = kPath;
    request.body = "{}";
    gateway.sign(request.headers, "POST", kPath, "{}", {}, dated, entropy);
    return book.check(request, "auth", back, clock.mono()).has_value();
  };
  EXPECT_TRUE(check(back));
  EXPECT_TRUE(check(back - seconds{59}));
}

TEST(Services, ARequestCountsOnce) {
  ServicesWorld w;
  const Headers headers = w.signature(kPath, kBody, {});
  EXPECT_EQ(w.post(kPath, std::string{kBody}, {.headers = headers}).status, 200);
  EXPECT_EQ(w.post(kPath, std::string{kBody}, {.headers = headers}).code(), "SERVICE_REQUEST_REPLAYED");
  w.advance(minutes{2});
  EXPECT_EQ(w.post(kPath, std::string{kBody}, {.headers = headers}).code(), "SERVICE_REQUEST_EXPIRED");
}

TEST(Services, WhenNoMoreNoncesFitNothingIsLetPassUnremembered) {
  ServicesWorld w(test_policy(), {}, {.max_nonces = 3});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(w).status, 200);
  const Answer full = ask(w);
  EXPECT_EQ(full.code(), "BUSY");
  EXPECT_EQ(full.header("Retry-After"), "120");
  EXPECT_THAT(w.metrics.text(),
      AllOf(HasSubstr("foyer_limit_used{limit=\"service_nonces\"} 3\n"),
          HasSubstr("foyer_limit_max{limit=\"service_nonces\"} 3\n"),
          HasSubstr("foyer_limit_refused_total{limit=\"service_nonces\"} 1\n")));
  w.advance(minutes{2});
  EXPECT_EQ(ask(w).status, 200);
}

TEST(Services, ForwardedRequestsLeaveRoomForWhatGatewaysAskThemselves) {
  ServicesWorld w(test_policy(), {}, {.max_nonces = 10});
  const auto forwarded = [&] {
    return w.signed_post("/auth/login", R"({"name":"nobody","password":"x"})", {.address = "203.0.113.7"});
  };
  for (int i = 0; i < 9; ++i) EXPECT_NE(forwarded().code(), "BUSY");
  EXPECT_EQ(forwarded().code(), "BUSY");
  EXPECT_EQ(ask(w).status, 200);
}

TEST(Services, WhatAnotherProcessRegisteredIsKnownAtOnce) {
  ServicesWorld w;
  w.advance(Millis{250});
  w.add_service("gateway-2", kOtherSecret, {"auth"});
  EXPECT_EQ(ask(w, {.id = "gateway-2", .secret = std::string{kOtherSecret}}).status, 200)
      << "an unknown id makes it reread the store";
  w.change_service("gateway-2", [&](ServiceRow& row) {
    row.secrets = {seal_service_secret(w.seal, "gateway-2", "another secret", false, w.clock.wall(), w.entropy)};
  });
  EXPECT_EQ(ask(w, {.id = "gateway-2", .secret = "another secret"}).code(), "SERVICE_SECRET_REJECTED")
      << "but not more often than every 250 ms";
  w.advance(Millis{250});
  EXPECT_EQ(ask(w, {.id = "gateway-2", .secret = "another secret"}).status, 200);
  w.change_service("gateway-2", [](ServiceRow& row) { row.disabled = true; });
  w.advance(seconds{1});
  w.tick();
  EXPECT_EQ(ask(w, {.id = "gateway-2", .secret = "another secret"}).code(), "SERVICE_NOT_ALLOWED");
}

TEST(Services, AFloodOfUnknownIdsLooksIntoTheStoreOnceInAWhile) {
  ServicesWorld w;
  w.advance(Millis{250});
  EXPECT_EQ(ask(w, {.id = "nobody"}).code(), "SERVICE_UNKNOWN"); // rereads
  w.add_service("gateway-2", kOtherSecret, {"auth"});
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(ask(w, {.id = "gateway-2", .secret = std::string{kOtherSecret}}).code(), "SERVICE_UNKNOWN")
        << "from memory";
  w.advance(Millis{250});
  EXPECT_EQ(ask(w, {.id = "gateway-2", .secret = std::string{kOtherSecret}}).status, 200);
}

TEST(Services, BeforeTheRegistryIsReadNoServiceIsUnknown) {
  ServicesWorld w;
  ServiceRegistry registry(*w.store, w.seal, w.runners(), w.shared, w.clock, w.entropy, w.log, w.metrics,
      [](std::string_view) { return true; });
  Request request;
  request.method = "POST";
  request.path = std::string{kPath};
  request.headers = w.signature(kPath, "", {});
  std::optional<Result<ProvenService>> answer;
  registry.authenticate(request, [&](Result<ProvenService> proven) { answer = std::move(proven); });
  EXPECT_FALSE(answer) << "it answers after the first reading";
  w.turns.run_posted();
  ASSERT_TRUE(answer);
  // Registered, but not allowed to call this nameless service.
  EXPECT_EQ(answer->error().code(), "SERVICE_NOT_ALLOWED");
}

TEST(Services, ASecretThatWasSealedWithAnotherKeyIsNotCalledWrong) {
  ServicesWorld w;
  const auto other = store::SealKey::from_secret("another store's key, of somebody else").value();
  w.change_service("auth", [&](ServiceRow& row) {
    row.secrets = {seal_service_secret(other, "auth", kOwnSecret, true, w.clock.wall(), w.entropy)};
  });
  w.advance(seconds{1});
  w.tick();
  EXPECT_EQ(ask(w).code(), "STORE_KEY_MISMATCH");
  EXPECT_THAT(w.log.all(), HasSubstr("service_unreadable"));
}

TEST(Services, AKeyThatWasMovedToAnotherRowDoesNotOpen) {
  ServicesWorld w;
  std::string moved;
  w.change_service("auth", [&](ServiceRow& row) { moved = row.secrets.front().sealed_key; });
  w.add_service("thief", kOtherSecret, {"auth"});
  w.change_service("thief", [&](ServiceRow& row) { row.secrets.front().sealed_key = moved; });
  w.advance(seconds{1});
  w.tick();
  EXPECT_EQ(ask(w, {.id = "thief"}).code(), "STORE_KEY_MISMATCH");
}

TEST(Services, AnIdIsOneToSixtyFourOfAFewCharacters) {
  for (const auto* good : {"a", "gateway-2", "A.b_c:9"}) EXPECT_TRUE(check_service_id(good)) << good;
  for (const std::string& bad :
      {std::string{}, std::string{"a b"}, std::string{"a,b"}, std::string(65, 'a'), std::string{"ä"}})
    EXPECT_FALSE(check_service_id(bad)) << bad;
}

// ---- the person behind the gateway

TEST(BehindAGateway, LockoutLimitsAndAuditMeanThePerson) {
  auto policy = test_policy();
  policy.rate = {.burst = 8, .per_second = 0.001};
  ServicesWorld w(policy);
  w.register_user("alice");
  const auto login = [&](std::string_view address, std::string_view password) {
    const std::string body = R"({"name":"alice","password":")" + std::string{password} + R"("})";
    return w.signed_post("/auth/login", body,
        {.address = std::string{address}, .ref = "gateway-ref", .origin = "https://chat.example"},
        {.address = "192.0.2.1"});
  };
  // Guesses from one address lock that address and no other.
  for (int i = 0; i < 5; ++i) EXPECT_EQ(login("203.0.113.7", "a wrong place").code(), "CREDENTIALS_REJECTED");
  EXPECT_EQ(login("203.0.113.7", "a quiet place").code(), "LOGIN_LOCKED");
  const Answer mine = login("203.0.113.8", "a quiet place");
  EXPECT_EQ(mine.status, 200) << mine.body;
  // The limit per address also uses the person's address: one is over it, the other is not.
  for (int i = 0; i < 2; ++i) login("203.0.113.7", "a quiet place");
  EXPECT_EQ(login("203.0.113.7", "a quiet place").code(), "ADDRESS_RATE_LIMIT");
  EXPECT_EQ(login("203.0.113.8", "a quiet place").status, 200);
  // So does the audit: the gateway's own address does not occur in it.
  const auto rows = w.wait<std::vector<AuditRow>>([&](auto done) { w.store->audit(50, std::move(done)); });
  ASSERT_TRUE(rows);
  std::size_t of_logins = 0;
  for (const auto& row : *rows) {
    if (row.action != "login") continue;
    of_logins += 1 + row.repeats; // equal refusals are one row
    EXPECT_TRUE(row.address == "203.0.113.7" || row.address == "203.0.113.8") << row.address;
    EXPECT_EQ(row.ref.str(), "gateway-ref");
  }
  EXPECT_EQ(of_logins, 5U + 1U + 1U + 2U + 1U);
  const Answer sessions = w.call("GET", "/auth/sessions", {.bearer = mine.text("access_token")});
  EXPECT_THAT(sessions.body, HasSubstr("203.0.113.8"));
  EXPECT_THAT(sessions.body, Not(HasSubstr("192.0.2.1")));
}

TEST(BehindAGateway, ItsOriginDecidesWhetherACookieIsSecure) {
  auto policy = test_policy();
  policy.insecure_cookies = true;
  ServicesWorld w(policy);
  w.register_user("alice");
  const std::string body = R"({"name":"alice","password":"a quiet place","cookie":true})";
  EXPECT_THAT(w.signed_post(
                   "/auth/login", body, {.address = "203.0.113.7", .origin = "https://chat.example"}, {.secure = false})
                  .header("Set-Cookie"),
      HasSubstr("__Host-"));
  EXPECT_THAT(w.signed_post(
                   "/auth/login", body, {.address = "203.0.113.7", .origin = "http://127.0.0.1:8000"}, {.secure = true})
                  .header("Set-Cookie"),
      Not(HasSubstr("__Host-")));
}

TEST(BehindAGateway, ForwardingHeadersWithoutARightSignatureAreRefused) {
  ServicesWorld w;
  w.register_user("alice");
  w.add_service("stranger", kOtherSecret, {"mail"});
  const std::string body = R"({"name":"alice","password":"a quiet place"})";
  const auto with = [&](const Headers& headers) { return w.post("/auth/login", body, {.headers = headers}); };
  EXPECT_EQ(with({{"X-Service-ID", "auth"}}).code(), "SERVICE_CREDENTIALS_MISSING");
  EXPECT_EQ(with({{"X-Foyer-Client-Address", "203.0.113.7"}}).code(), "SERVICE_CREDENTIALS_MISSING");
  w.advance(Millis{250});
  EXPECT_EQ(w.signed_post("/auth/login", body, {.secret = "wrong", .address = "203.0.113.7"}).code(),
      "SERVICE_SECRET_REJECTED");
  EXPECT_EQ(w.signed_post(
                 "/auth/login", body, {.id = "stranger", .secret = std::string{kOtherSecret}, .address = "203.0.113.7"})
                .code(),
      "SERVICE_NOT_ALLOWED");
  Headers moved = w.signature("/auth/login", body, {.address = "203.0.113.7"});
  moved.set(auth::kClientAddressHeader, "203.0.113.8");
  EXPECT_EQ(with(moved).code(), "SERVICE_SECRET_REJECTED");
  EXPECT_EQ(with({}).status, 200) << "without them it stays the same";
}

} // namespace
} // namespace foyer::accounts

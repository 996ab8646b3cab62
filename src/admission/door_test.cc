// The order of diagnosis: the first fault is the cause, and there is one verdict.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "admission/testing/door_world.h"

namespace foyer::admission {
namespace {

using namespace testing;
using ::testing::ElementsAre;

TEST(Door, ATokenIsAskedAboutStepByStep) {
  const auto story = drive(bearer());
  EXPECT_THAT(story.asked, ElementsAre("readiness", "token a.b.c", "revocation", "capacity"));
  EXPECT_EQ(story.outcome, "admitted alice");
}

TEST(Door, ATicketIsCheckedByItsAnswerAndNotByTheRevocationTable) {
  const auto story = drive(query(browser(handshake()), "ticket=t1"));
  EXPECT_THAT(story.asked, ElementsAre("readiness", "ticket t1 from https://chat.example", "capacity"));
  EXPECT_EQ(story.outcome, "admitted alice");
}

TEST(Door, WithoutACredentialTheFirstMessageBringsOne) {
  EXPECT_THAT(
      drive(handshake()).asked, ElementsAre("readiness", "first message", "token d.e.f", "revocation", "capacity"));
  EXPECT_THAT(drive(handshake(), {.first = Answers::First::ticket}).asked,
      ElementsAre("readiness", "first message", "ticket t1", "capacity"));
  EXPECT_EQ(outcome(handshake(), {.first = Answers::First::both}), "AMBIGUOUS_CREDENTIALS");
  EXPECT_EQ(outcome(handshake(), {.first = Answers::First::neither}), "NO_TOKEN");
  EXPECT_EQ(outcome(handshake(), {.first = Answers::First::other}), "NO_TOKEN");
  EXPECT_EQ(outcome(handshake(), {.first = Answers::First::timeout}), "AUTHENTICATE_TIMEOUT");
}

TEST(Door, AnEmptyCredentialInTheFirstMessageCountsAsNone) {
  const auto the_policy = policy();
  const auto request = handshake();
  const TickingClock clock;
  for (const bool as_token : {true, false}) {
    Door door{the_policy, {.request = &request}};
    (void)door.next(clock);
    door.readiness({});
    ASSERT_TRUE(std::holds_alternative<AwaitFirstMessage>(door.next(clock)));
    if (as_token)
      door.first_message("", {});
    else
      door.first_message({}, "");
    EXPECT_EQ(drive(door).outcome, "NO_TOKEN");
  }
}

TEST(Door, AnOpenSocketLooksAtNoCredential) {
  const auto story = drive(at("/ws/open", with(handshake(), "Authorization", "Nonsense")));
  EXPECT_THAT(story.asked, ElementsAre("readiness", "capacity"));
  EXPECT_EQ(story.outcome, "admitted ");
}

TEST(Door, PermissionIsForTheChatOnly) {
  Identity nobody = alice();
  nobody.permissions = {};
  EXPECT_EQ(outcome(bearer(), {.token = nobody}), "PERMISSION_DENIED");
  EXPECT_EQ(outcome(at("/ws/echo", bearer()), {.token = nobody}), "admitted alice");
  nobody.permissions.admin = true;
  EXPECT_EQ(outcome(bearer(), {.token = nobody}), "PERMISSION_DENIED");
  for (const Permissions enough : {Permissions{.chat_read = true}, Permissions{.chat_write = true}}) {
    nobody.permissions = enough;
    EXPECT_EQ(outcome(bearer(), {.token = nobody}), "admitted alice");
  }
}

// The application that is asked

Request asked(Request request) { return at("/ws/asked", std::move(request)); }

TEST(Door, TheApplicationIsAskedLastBeforeCapacityAndOnlyWhereThePolicySaysSo) {
  EXPECT_THAT(drive(asked(bearer())).asked,
      ElementsAre("readiness", "token a.b.c", "revocation", "application about alice", "capacity"));
  EXPECT_THAT(drive(asked(query(handshake(), "ticket=t1"))).asked,
      ElementsAre("readiness", "ticket t1", "application about alice", "capacity"));
  EXPECT_THAT(drive(asked(handshake())).asked,
      ElementsAre("readiness", "first message", "token d.e.f", "revocation", "application about alice", "capacity"));
}

TEST(Door, NobodyIsAskedAboutWhoShowedNoCredentialOrABadOne) {
  auto open = policy();
  for (auto& socket : open.sockets) socket.asks_application = true;
  EXPECT_THAT(drive(at("/ws/open", handshake()), {}, open).asked, ElementsAre("readiness", "capacity"));
  const Answers neither{.first = Answers::First::neither};
  EXPECT_THAT(drive(asked(handshake()), neither).asked, ElementsAre("readiness", "first message"));
  EXPECT_EQ(outcome(asked(handshake()), neither), "NO_TOKEN");
  const Answers expired{.token = std::unexpected(Refusal{.cause = Cause::TOKEN_EXPIRED})};
  EXPECT_THAT(drive(asked(bearer()), expired).asked, ElementsAre("readiness", "token a.b.c"));
  EXPECT_EQ(outcome(asked(bearer()), {.revocation = Refusal{.cause = Cause::TOKEN_REVOKED}}), "TOKEN_REVOKED");
  Identity nobody = alice();
  nobody.permissions = {};
  EXPECT_EQ(outcome(asked(bearer()), {.token = nobody}), "PERMISSION_DENIED");
}

TEST(Door, TheAnswerOfTheApplicationDecides) {
  for (const Cause cause :
      {Cause::APP_REFUSED, Cause::APP_TIMEOUT, Cause::APP_UNAVAILABLE, Cause::APP_ANSWER_INVALID}) {
    const Answers answers{
        .application = std::unexpected(Refusal{.cause = cause}), .capacity = Refusal{.cause = Cause::ADDRESS_LIMIT}};
    EXPECT_EQ(outcome(asked(bearer()), answers), code_of(cause));
    EXPECT_EQ(outcome(bearer(), answers), "ADDRESS_LIMIT") << "of a socket about which it is not asked";
  }
  EXPECT_EQ(outcome(asked(bearer()), {.capacity = Refusal{.cause = Cause::ADDRESS_LIMIT}}), "ADDRESS_LIMIT");
}

// Drives the door up to its question to the application, and answers it.
std::expected<Admission, Refusal> answered(const Identity& identity, const Consent& consent, WallTime now) {
  const TickingClock clock;
  const auto the_policy = policy();
  const auto request = asked(bearer());
  Door door{the_policy, {.request = &request}};
  (void)door.next(clock);
  door.readiness({});
  (void)door.next(clock);
  door.token(identity);
  (void)door.next(clock);
  door.revocation({});
  EXPECT_TRUE(std::holds_alternative<AskApplication>(door.next(clock)));
  door.application(consent, now);
  if (std::holds_alternative<AskCapacity>(door.next(clock))) door.capacity({});
  return std::get<Verdict>(door.next(clock)).outcome;
}

TEST(Door, WhatTheApplicationLeavesOutIsAsTheCredentialSays) {
  Identity identity = alice();
  identity.name = "Alice";
  identity.permissions = {.chat_read = true, .admin = true};
  identity.rooms = {"tea"};
  identity.expires_at = WallTime{std::chrono::seconds{900}};
  const auto in = answered(identity, {}, {});
  ASSERT_TRUE(in);
  EXPECT_EQ(in->identity.name, "Alice");
  EXPECT_EQ(in->identity.permissions, identity.permissions);
  EXPECT_THAT(in->identity.rooms, ElementsAre("tea"));
  EXPECT_EQ(in->identity.expires_at, identity.expires_at);
}

TEST(Door, TheApplicationMaySetTheNameThePermissionsTheRoomsAndTheEndButNotTheUser) {
  const WallTime now{std::chrono::seconds{1'000}};
  Identity identity = alice();
  identity.permissions = {.chat_read = true, .chat_write = true, .admin = true};
  identity.rooms = {"tea"};
  const Consent consent{.name = "Al",
      .permissions = Permissions{.chat_read = true},
      .rooms = {"den"},
      .expires_at = now + std::chrono::seconds{60}};
  const auto in = answered(identity, consent, now);
  ASSERT_TRUE(in);
  EXPECT_EQ(in->identity.user, UserId{"alice"});
  EXPECT_EQ(in->identity.name, "Al");
  EXPECT_EQ(in->identity.permissions, (Permissions{.chat_read = true, .admin = true})) << "admin is not its to change";
  EXPECT_THAT(in->identity.rooms, ElementsAre("tea", "den"));
  EXPECT_EQ(in->identity.expires_at, consent.expires_at);
  EXPECT_EQ(answered(identity, {.expires_at = WallTime{}}, now)->identity.expires_at, WallTime{}) << "never";
}

TEST(Door, AConsentThatAllowsNothingIsARefusal) {
  const WallTime now{std::chrono::seconds{1'000}};
  const auto over = answered(alice(), {.expires_at = now}, now);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().cause, Cause::APP_REFUSED);
  EXPECT_EQ(over.error().field, "expire_at");
  const auto neither = answered(alice(), {.permissions = Permissions{}}, now);
  ASSERT_FALSE(neither);
  EXPECT_EQ(neither.error().cause, Cause::APP_REFUSED);
  EXPECT_EQ(neither.error().field, "scope");
}

// Every fault that a handshake can have, in the order of the steps. Of two at
// once, the earlier one is reported.
struct Fault {
  std::string code;
  std::function<void(Request&, Answers&)> commit;
};

std::vector<Fault> faults_in_order() {
  const auto refusal = [](Cause cause) { return Refusal{.cause = cause}; };
  const auto set = [](std::string name, std::string value) {
    return [=](Request& r, Answers&) { r.headers.set(name, value); };
  };
  const auto drop = [](std::string name) { return [=](Request& r, Answers&) { r = without(r, name); }; };
  std::vector<Fault> out;
  for (const Cause cause : {Cause::NOT_READY, Cause::DRAINING, Cause::CONNECTION_LIMIT, Cause::CONNECT_RATE_LIMIT,
           Cause::PENDING_LIMIT, Cause::ADDRESS_RATE_LIMIT})
    out.push_back({std::string{code_of(cause)}, [=](Request&, Answers& a) {
      if (!a.readiness) a.readiness = refusal(cause);
    }});
  out.push_back({"UNKNOWN_PATH", [](Request& r, Answers&) { r.path = "/ws"; }});
  out.push_back({"HOST_NOT_ALLOWED", set("Host", "evil.example")});
  out.push_back({"METHOD_NOT_ALLOWED", [](Request& r, Answers&) { r.method = "POST"; }});
  out.push_back({"UPGRADE_MISSING", set("Upgrade", "h2c")});
  out.push_back({"BAD_WEBSOCKET_KEY", drop("Sec-WebSocket-Key")});
  out.push_back({"BAD_WEBSOCKET_VERSION", set("Sec-WebSocket-Version", "8")});
  out.push_back({"ORIGIN_NOT_ALLOWED", set("Origin", "https://evil.example")});
  out.push_back({"SUBPROTOCOL_UNSUPPORTED", set("Sec-WebSocket-Protocol", "chat.v9")});
  out.push_back({"TOKEN_IN_URL", [](Request& r, Answers&) { r.query += "&token=a.b.c"; }});
  out.push_back(
      {"AMBIGUOUS_CREDENTIALS", [](Request& r, Answers&) { r.headers.add("Authorization", "Bearer x.y.z"); }});
  out.push_back({"AUTH_HEADER_STRIPPED", [](Request& r, Answers&) {
    r = without(r, "Authorization");
    r.query += "&auth=header";
  }});
  out.push_back({"INVALID_FORMAT", [](Request& r, Answers&) {
    for (auto& h : r.headers.list())
      if (h.name == "Authorization") h.value = "Basic eA==";
  }});
  for (const Cause cause : {Cause::ALGORITHM_NOT_ALLOWED, Cause::KEY_UNKNOWN, Cause::SIGNATURE_INVALID,
           Cause::TOKEN_EXPIRED, Cause::TOKEN_NOT_YET_VALID, Cause::ISSUER_MISMATCH, Cause::AUDIENCE_MISMATCH,
           Cause::ENVIRONMENT_MISMATCH, Cause::WRONG_TOKEN_TYPE, Cause::CLAIM_MISSING})
    out.push_back({std::string{code_of(cause)}, [=](Request&, Answers& a) {
      if (a.token && !a.token->permissions.admin) a.token = std::unexpected(refusal(cause));
    }});
  for (const Cause cause : {Cause::REVOCATION_UNCHECKED, Cause::TOKEN_REVOKED, Cause::SESSION_REVOKED,
           Cause::USER_UNKNOWN, Cause::USER_DISABLED})
    out.push_back({std::string{code_of(cause)}, [=](Request&, Answers& a) {
      if (!a.revocation) a.revocation = refusal(cause);
    }});
  out.push_back({"PERMISSION_DENIED", [](Request&, Answers& a) {
    if (a.token) a.token->permissions = {};
  }});
  for (const Cause cause : {Cause::APP_REFUSED, Cause::APP_TIMEOUT, Cause::APP_UNAVAILABLE, Cause::APP_ANSWER_INVALID})
    out.push_back({std::string{code_of(cause)}, [=](Request&, Answers& a) {
      if (a.application) a.application = std::unexpected(refusal(cause));
    }});
  for (const Cause cause : {Cause::USER_CONNECTION_LIMIT, Cause::ADDRESS_LIMIT})
    out.push_back({std::string{code_of(cause)}, [=](Request&, Answers& a) {
      if (!a.capacity) a.capacity = refusal(cause);
    }});
  return out;
}

TEST(Door, EveryFaultAloneIsTheCause) {
  for (const auto& fault : faults_in_order()) {
    Request request = asked(bearer());
    Answers answers;
    fault.commit(request, answers);
    EXPECT_EQ(outcome(request, answers), fault.code);
  }
}

TEST(Door, OfTwoFaultsTheEarlierOneIsTheCause) {
  const auto faults = faults_in_order();
  for (std::size_t i = 0; i < faults.size(); ++i) {
    for (std::size_t j = i + 1; j < faults.size(); ++j) {
      // Pairs that cannot occur together, since one removes the other's evidence.
      if (faults[i].code == "AMBIGUOUS_CREDENTIALS" && faults[j].code == "AUTH_HEADER_STRIPPED") continue;
      if (faults[i].code == "AUTH_HEADER_STRIPPED" && faults[j].code == "AMBIGUOUS_CREDENTIALS") continue;
      Request request = asked(bearer());
      Answers answers;
      faults[i].commit(request, answers);
      faults[j].commit(request, answers);
      EXPECT_EQ(outcome(request, answers), faults[i].code) << "with " << faults[j].code;
    }
  }
}

TEST(Door, ARefusalOfTheAuthServiceTravelsWhole) {
  const auto request = query(handshake(), "ticket=t1");
  for (const Cause cause : {Cause::AUTH_SERVICE_TIMEOUT, Cause::AUTH_RETRY_EXHAUSTED, Cause::AUTH_CIRCUIT_BREAKER_OPEN,
           Cause::SERVICE_SECRET_REJECTED, Cause::TICKET_UNKNOWN, Cause::TICKET_USED, Cause::TICKET_EXPIRED,
           Cause::USER_DISABLED}) {
    Refusal original{.cause = cause, .evidence = "as it was", .retry_after = Millis{77}, .field = "f"};
    original.attempts.push_back(Refusal{.cause = Cause::AUTH_SERVICE_TIMEOUT, .evidence = "first"});
    const auto the_policy = policy();
    Door door{the_policy, {.request = &request}};
    (void)drive(door, {.ticket = std::unexpected(original)});
    const Next verdict = door.next(TickingClock{});
    const auto& refusal = std::get<Verdict>(verdict).outcome.error();
    EXPECT_EQ(refusal.cause, cause);
    EXPECT_EQ(refusal.evidence, "as it was");
    EXPECT_EQ(refusal.retry_after, Millis{77});
    EXPECT_EQ(refusal.field, "f");
    ASSERT_EQ(refusal.attempts.size(), 1U);
    EXPECT_EQ(refusal.attempts[0].evidence, "first");
  }
}

TEST(Door, AfterTheVerdictThereIsNoQuestion) {
  const TickingClock clock;
  for (const auto& fault : faults_in_order()) {
    Request request = asked(bearer());
    Answers answers;
    fault.commit(request, answers);
    const auto the_policy = policy();
    Door door{the_policy, {.request = &request}};
    ASSERT_EQ(drive(door, answers).outcome, fault.code);
    const auto times = door.times().spent;
    door.readiness({});
    door.token(alice());
    door.identity(alice());
    door.revocation({});
    door.application(Consent{}, {});
    door.capacity({});
    door.first_message("d.e.f", {});
    door.first_message_timeout();
    EXPECT_EQ(drive(door).outcome, fault.code);
    EXPECT_THAT(drive(door).asked, ElementsAre());
    EXPECT_EQ(door.times().spent, times);
  }
}

TEST(Door, AnUnexpectedAnswerOpensNothing) {
  const TickingClock clock;
  const auto the_policy = policy();
  const auto request = asked(bearer());
  Door door{the_policy, {.request = &request}};
  const auto answer_all = [&] {
    door.identity(alice());
    door.revocation({});
    door.application(Consent{}, {});
    door.capacity({});
    door.first_message("d.e.f", {});
  };
  answer_all();
  EXPECT_TRUE(std::holds_alternative<AskReadiness>(door.next(clock)));
  answer_all();
  door.token(alice());
  EXPECT_TRUE(std::holds_alternative<AskReadiness>(door.next(clock)))
      << "the question is repeated until it is answered";
  door.readiness({});
  EXPECT_TRUE(std::holds_alternative<AskToken>(door.next(clock)));
  answer_all();
  EXPECT_TRUE(std::holds_alternative<AskToken>(door.next(clock)));
}

TEST(Door, StepsThatWereNotReachedHaveNoTime) {
  const auto the_policy = policy();
  const auto request = bearer();
  Door door{the_policy, {.request = &request}};
  (void)drive(door, {.token = std::unexpected(Refusal{.cause = Cause::TOKEN_EXPIRED})});
  const auto spent = [&](Step step) { return door.times().spent[static_cast<std::size_t>(step)].count(); };
  EXPECT_EQ(spent(Step::configuration), -1);
  for (const Step step : {Step::readiness, Step::transport, Step::subprotocol, Step::credential_present,
           Step::credential_form, Step::credential_valid})
    EXPECT_GT(spent(step), 0) << to_string(step);
  for (const Step step : {Step::auth_service, Step::service_identity, Step::revocation, Step::user, Step::permission,
           Step::application, Step::capacity})
    EXPECT_EQ(spent(step), -1) << to_string(step);
}

TEST(Door, WaitingIsChargedToTheStepThatWaited) {
  ManualClock clock;
  const auto the_policy = policy();
  const auto request = asked(query(handshake(), "ticket=t1"));
  Door door{the_policy, {.request = &request}};
  (void)door.next(clock);
  door.readiness({});
  ASSERT_TRUE(std::holds_alternative<AskTicket>(door.next(clock)));
  clock.advance(Millis{40});
  door.identity(alice());
  ASSERT_TRUE(std::holds_alternative<AskApplication>(door.next(clock)));
  clock.advance(Millis{250});
  door.application(Consent{}, clock.wall());
  ASSERT_TRUE(std::holds_alternative<AskCapacity>(door.next(clock)));
  clock.advance(Millis{2});
  door.capacity({});
  const Next verdict = door.next(clock);
  const auto& times = std::get<Verdict>(verdict).outcome->times.spent;
  EXPECT_EQ(times[static_cast<std::size_t>(Step::auth_service)], Millis{40});
  EXPECT_EQ(times[static_cast<std::size_t>(Step::application)], Millis{250});
  EXPECT_EQ(times[static_cast<std::size_t>(Step::capacity)], Millis{2});
  EXPECT_EQ(times[static_cast<std::size_t>(Step::credential_valid)], Millis{0});
}

TEST(Door, TheRequestMayGoOnceACredentialIsAskedAbout) {
  const TickingClock clock;
  const auto the_policy = policy();
  auto request = std::make_unique<Request>(browser(with(bearer(), "Sec-WebSocket-Protocol", "foyer.v1")));
  Door door{the_policy, {.request = request.get()}};
  (void)door.next(clock);
  door.readiness({});
  ASSERT_TRUE(std::holds_alternative<AskToken>(door.next(clock)));
  request.reset();
  door.token(std::unexpected(Refusal{.cause = Cause::TOKEN_EXPIRED}));
  EXPECT_EQ(drive(door).outcome, "TOKEN_EXPIRED");
  EXPECT_TRUE(door.refuse_by_close(Refusal{.cause = Cause::TOKEN_EXPIRED}));
  EXPECT_EQ(door.refusal_subprotocol(), "foyer.v1");
  EXPECT_EQ(door.selected_subprotocol(), "foyer.v1");
}

} // namespace
} // namespace foyer::admission

// The calls of a gateway: tickets and cookies, the challenge, the stream of revocations.
#include <gmock/gmock.h>

#include "accounts/testing/services_world.h"
#include "base/fingerprint.h"

namespace foyer::accounts {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing_world::Answer;
using testing_world::As;
using testing_world::kOtherSecret;
using testing_world::kOwnSecret;
using testing_world::ServicesWorld;
using testing_world::test_policy;

std::string ticket_question(std::string_view ticket, std::string_view attempt = "attempt-1") {
  return json::write(auth::encode(auth::Question{auth::TicketRequest{.ticket = std::string{ticket},
      .origin = {},
      .address = "203.0.113.7",
      .attempt = std::string{attempt},
      .ref = {}}}));
}
std::string refused_code(const Answer& answer) {
  const auto said = auth::decode_verify_answer(answer.json);
  return said && !said->identity ? std::string{said->identity.error().code()} : "no refusal: " + answer.body;
}

TEST(Verify, ATicketIsRedeemedOnceAndTheSameAttemptIsAnsweredAgain) {
  ServicesWorld w;
  const Answer in = w.register_user("alice");
  const std::string ticket = w.call("POST", "/auth/tickets", {.bearer = in.text("access_token")}).text("ticket");
  const Answer answer = w.signed_post("/internal/verify", ticket_question(ticket), {.ref = "gateway-ref"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Cache-Control"), "no-store");
  const auto said = auth::decode_verify_answer(answer.json);
  ASSERT_TRUE(said && said->identity) << answer.body;
  EXPECT_EQ(said->identity->name, "alice");
  EXPECT_EQ(said->identity->session.view(), in.text("session"));
  EXPECT_TRUE(said->identity->own_account);
  EXPECT_EQ(w.signed_post("/internal/verify", ticket_question(ticket)).body, answer.body);
  EXPECT_EQ(refused_code(w.signed_post("/internal/verify", ticket_question(ticket, "attempt-2"))), "TICKET_USED");
  const auto rows = w.wait<std::vector<AuditRow>>([&](auto done) { w.store->audit(50, std::move(done)); });
  ASSERT_TRUE(rows);
  const auto used = std::ranges::find_if(
      *rows, [](const AuditRow& row) { return row.action == "ticket_use" && row.ref == Ref{"gateway-ref"}; });
  ASSERT_NE(used, rows->end());
  EXPECT_EQ(used->address, "203.0.113.7");
}

TEST(Verify, ACookieIsCheckedAndARefusedOneIsAnAnswer) {
  ServicesWorld w;
  w.register_user("alice");
  const Answer in = w.post("/auth/login", R"({"name":"alice","password":"a quiet place","cookie":true})");
  const std::string set = in.header("Set-Cookie");
  const std::string cookie = set.substr(set.find('=') + 1, 43);
  const auto question = [](std::string_view value) {
    return json::write(auth::encode(
        auth::Question{auth::CookieRequest{.cookie = std::string{value}, .address = "203.0.113.7", .ref = {}}}));
  };
  const auto said = auth::decode_verify_answer(w.signed_post("/internal/verify", question(cookie)).json);
  ASSERT_TRUE(said && said->identity);
  EXPECT_EQ(said->identity->name, "alice");
  EXPECT_EQ(refused_code(w.signed_post("/internal/verify", question("nonsense"))), "SESSION_UNKNOWN");
}

TEST(Verify, WhatIsNotAQuestionIsRefusedWithItsField) {
  ServicesWorld w;
  const Answer extra =
      w.signed_post("/internal/verify", R"({"kind":"ticket","ticket":"t","address":"a","attempt":"x","more":1})");
  EXPECT_EQ(extra.status, 400);
  EXPECT_EQ(extra.code(), "BAD_REQUEST");
  EXPECT_EQ(extra.field(), "more");
  EXPECT_EQ(w.signed_post("/internal/verify", "[]").code(), "BAD_REQUEST");
  EXPECT_EQ(w.signed_post("/internal/verify", "{").code(), "BAD_REQUEST");
  EXPECT_EQ(w.signed_post("/internal/verify", "kind=ticket", {}, {.content_type = "text/plain"}).code(),
      "CONTENT_TYPE_UNSUPPORTED");
}

TEST(Verify, AServiceTokenForThisServiceOpensItToo) {
  ServicesWorld w;
  w.add_service("gateway-2", kOtherSecret, {"auth", "mail"});
  w.add_service("mail", kOtherSecret);
  w.advance(seconds{1});
  w.tick();
  const std::string token = w.service_token("gateway-2", kOtherSecret, "auth");
  const std::string question = ticket_question("nonsense");
  const auto with = [&](std::string_view bearer) {
    return w.post("/internal/verify", question, {.bearer = std::string{bearer}});
  };
  EXPECT_EQ(refused_code(with(token)), "TICKET_UNKNOWN");
  EXPECT_EQ(with(w.service_token("gateway-2", kOtherSecret, "mail")).code(), "AUDIENCE_MISMATCH");
  auto both = testing_world::Ask{.bearer = token};
  both.headers = w.signature("/internal/verify", question, {});
  EXPECT_EQ(w.post("/internal/verify", question, both).code(), "AMBIGUOUS_CREDENTIALS");
  EXPECT_EQ(w.post("/internal/challenge", "{}", {.bearer = token}).code(), "SERVICE_CREDENTIALS_MISSING")
      << "a challenge requires a signature";
  EXPECT_EQ(w.form("/oauth2/revoke", "token=" + token, w.basic("gateway-2", kOtherSecret)).status, 200);
  EXPECT_EQ(with(token).code(), "TOKEN_REVOKED");
  const std::string later = w.service_token("gateway-2", kOtherSecret, "auth");
  w.change_service("gateway-2", [](ServiceRow& row) { row.may_call = {"mail"}; });
  w.advance(seconds{1});
  w.tick();
  EXPECT_EQ(with(later).code(), "SERVICE_NOT_ALLOWED");
  w.advance(seconds{331});
  EXPECT_EQ(with(later).code(), "TOKEN_EXPIRED");
}

// ---- people

TEST(People, AreFoundByIdAndByNameAndNobodyElse) {
  ServicesWorld w;
  const Answer in = w.register_user("Alice");
  const auto principal = w.call("GET", "/auth/me", {.bearer = in.text("access_token")});
  const auto found = [&](const std::string& body) {
    const Answer answer = w.signed_post("/internal/people", body);
    const auto people = auth::decode_people_answer(answer.json);
    std::string out;
    if (people)
      for (const auto& each : *people) out += each.asked + "=" + each.person.name + " ";
    return people ? out : answer.body;
  };
  EXPECT_EQ(found(R"({"names":["alice","ALICE","bob"]})"), "alice=Alice ALICE=Alice ");
  const auto people = auth::decode_people_answer(w.signed_post("/internal/people", R"({"names":["alice"]})").json);
  ASSERT_TRUE(people && people->size() == 1);
  const std::string id = people->front().person.id.str();
  EXPECT_NE(principal.body.find(id), std::string::npos);
  EXPECT_EQ(found(R"({"ids":[")" + id + R"(","alice"]})"), id + "=Alice ");
  EXPECT_EQ(found(R"({"ids":[]})"), "");
}

TEST(People, AQuestionOfTooManyOrOfNothingIsRefused) {
  ServicesWorld w;
  EXPECT_EQ(w.post("/internal/people", R"({"names":["alice"]})").code(), "SERVICE_CREDENTIALS_MISSING");
  EXPECT_EQ(w.signed_post("/internal/people", "{}").field(), "names");
  EXPECT_EQ(w.signed_post("/internal/people", R"({"names":[""]})").code(), "BAD_REQUEST");
  EXPECT_EQ(w.signed_post("/internal/people", R"({"names":["a"],"ids":["b"]})").field(), "names");
  std::string many = R"({"names":["a0")";
  for (std::size_t i = 1; i <= auth::kMostPeople; ++i) many += ",\"a" + std::to_string(i) + "\"";
  EXPECT_EQ(w.signed_post("/internal/people", many + "]}").code(), "BAD_REQUEST");
}

// ---- the challenge

auth::Challenge challenge_of(std::string_view secret) {
  return {.version = "1.2.3",
      .build = "b1",
      .environment = "test",
      .nonce = "nonce-nonce-nonce",
      .service_fingerprint = fingerprint(kServiceSecretOption, secret),
      .jwt_fingerprint = {},
      .kids = {}};
}

TEST(Challenge, TheAnswerProvesTheSecretAndSaysWhatThisSideIs) {
  ServicesWorld w;
  const Answer answer = w.signed_post("/internal/challenge", json::write(auth::encode(challenge_of(kOwnSecret))));
  EXPECT_EQ(answer.status, 200) << answer.body;
  const auto said = auth::decode_challenge_answer(answer.json);
  ASSERT_TRUE(said) << answer.body;
  EXPECT_EQ(said->proof, auth::challenge_proof(auth::service_key(kOwnSecret), "nonce-nonce-nonce"));
  EXPECT_EQ(said->time, w.clock.wall());
  EXPECT_EQ(said->version, "1.2.3");
  EXPECT_EQ(said->environment, "test");
  EXPECT_EQ(said->issuer, "https://chat.example");
  EXPECT_EQ(said->audience, "foyer");
  EXPECT_EQ(said->kids, std::vector<std::string>{w.keys->signing_kid()});
  EXPECT_EQ(said->signing_kid, w.keys->signing_kid());
}

TEST(Challenge, OnlyOurLogSaysWhatBecameOfTheSecret) {
  ServicesWorld w;
  const std::string theirs = std::string{kOwnSecret} + "\n";
  const Answer answer =
      w.signed_post("/internal/challenge", json::write(auth::encode(challenge_of(theirs))), {.secret = theirs});
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.code(), "SERVICE_SECRET_REJECTED");
  EXPECT_THAT(answer.body, Not(HasSubstr("newline")));
  EXPECT_THAT(w.log.all(), HasSubstr("the secret of auth is ours plus a newline"));
  EXPECT_THAT(w.log.all(), HasSubstr("SERVICE_SECRET_MISMATCH"));
  const auto lines = w.log.lines.size();
  w.advance(seconds{1});
  w.signed_post("/internal/challenge", json::write(auth::encode(challenge_of(theirs))), {.secret = theirs});
  EXPECT_EQ(w.log.lines.size(), lines + 1) << "refused again, explained once a minute";
}

TEST(Services, RefusedRequestsWriteAtMostALineASecond) {
  ServicesWorld w;
  const auto lines = w.log.lines.size();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(w.post("/internal/verify", "{}").code(), "SERVICE_CREDENTIALS_MISSING");
  EXPECT_EQ(w.log.lines.size(), lines + 1);
  w.advance(seconds{1});
  w.post("/internal/verify", "{}");
  ASSERT_EQ(w.log.lines.size(), lines + 2);
  EXPECT_THAT(w.log.lines.back(), HasSubstr(R"("not_logged":99)"));
}

TEST(Challenge, ARightSecretUnderAWrongSignatureIsSaidToBeChangedOnTheWay) {
  ServicesWorld w;
  const std::string body = json::write(auth::encode(challenge_of(kOwnSecret)));
  const Headers headers = w.signature("/auth-service/internal/challenge", body, {}); // a proxy removed a prefix
  EXPECT_EQ(w.post("/internal/challenge", body, {.headers = headers}).code(), "SERVICE_SECRET_REJECTED");
  EXPECT_THAT(w.log.all(), HasSubstr("something in between modifies the request"));
}

TEST(Challenge, AnotherContractIsReportedByItsNumberAndInTheLog) {
  ServicesWorld w;
  json::Object body = auth::encode(challenge_of(kOwnSecret));
  body["contract"] = 9;
  body["kids"] = json::Object{}; // unknown contents of contract 9
  body["new_member"] = true;
  const Answer answer = w.signed_post("/internal/challenge", json::write(body));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(json::get_int(answer.json, "contract"), auth::kContractVersion);
  EXPECT_THAT(w.log.all(), HasSubstr("speaks contract 9, this auth service speaks 2"));
  EXPECT_THAT(w.log.all(), HasSubstr("CONTRACT_MISMATCH"));
}

TEST(Challenge, AGatewayThatIsOlderByOneContractGoesOnToBeServed) {
  ServicesWorld w;
  json::Object body = auth::encode(challenge_of(kOwnSecret));
  body["contract"] = auth::kOldestContract;
  const Answer answer = w.signed_post("/internal/challenge", json::write(body));
  EXPECT_EQ(json::get_int(answer.json, "contract"), auth::kOldestContract) << "it accepts no other";
  EXPECT_THAT(w.log.all(), Not(HasSubstr("CONTRACT_MISMATCH")));
}

TEST(Answers, AreSignedForTheSenderOfASignedRequest) {
  ServicesWorld w;
  const auto signed_for = [&w](std::string_view path, const std::string& body, const As& as = {}) {
    const Headers headers = w.signature(path, body, as);
    const Answer answer = w.post(path, body, {.headers = headers});
    const Response response{.status = answer.status,
        .headers = {{std::string(auth::kAnswerSignatureHeader), answer.header(auth::kAnswerSignatureHeader)}},
        .body = answer.body};
    return auth::answer_signed(
        response, auth::ServiceIdentity(as.id, as.secret), *headers.find(auth::kServiceNonceHeader));
  };
  EXPECT_TRUE(signed_for("/internal/verify", ticket_question("nonsense"))) << "a refused credential";
  EXPECT_TRUE(signed_for("/internal/verify", "{}")) << "a refused call";
  EXPECT_TRUE(signed_for("/internal/revocations", json::write(auth::encode(auth::RevocationRequest{}))));
  EXPECT_TRUE(signed_for("/internal/challenge", json::write(auth::encode(challenge_of(kOwnSecret)))));
  EXPECT_FALSE(signed_for("/internal/verify", "{}", {.id = "nobody", .secret = std::string{kOtherSecret}}))
      << "there is no secret to sign it with";
}

// ---- revocations

class RevocationPolling : public testing::Test {
 protected:
  // Sends a poll whose answer is awaited elsewhere.
  std::shared_ptr<std::optional<Answer>> poll(std::int64_t after, Millis wait) {
    auto out = std::make_shared<std::optional<Answer>>();
    const std::string body = json::write(auth::encode(auth::RevocationRequest{.after = after, .wait = wait}));
    testing_world::Ask ask{.body = body};
    ask.headers = w.signature("/internal/revocations", body, {});
    w.send("POST", "/internal/revocations", ask, [out](Answer answer) { *out = std::move(answer); });
    w.turns.run_posted();
    return out;
  }
  auth::RevocationAnswer read(const std::optional<Answer>& answer) {
    if (!answer) return {.stream = "not answered", .cursor = -1, .events = {}, .more = false};
    auto said = auth::decode_revocation_answer(answer->json);
    EXPECT_TRUE(said) << answer->body;
    return said.value_or(auth::RevocationAnswer{});
  }
  void revoke(std::string_view token) {
    EXPECT_TRUE(w.wait<bool>([&](auto done) {
      w.store->revoke_token(
          TokenId{token}, {.at = w.clock.wall(), .action = "revoke", .outcome = "OK"}, std::move(done));
    }));
  }

  ServicesWorld w{test_policy(), {}, {}, {.max_waiting = 3}};
};

TEST_F(RevocationPolling, WhatHappenedIsAnsweredAtOnceAndWhatHappensWithinAPoll) {
  revoke("one");
  w.tick();
  const auto first = read(*poll(0, seconds{25}));
  ASSERT_EQ(first.events.size(), 1U);
  EXPECT_EQ(first.events[0].id, "one");
  EXPECT_EQ(first.stream, w.store->stream());
  const auto waiting = poll(first.cursor, seconds{25});
  EXPECT_FALSE(*waiting) << "there are no new events";
  w.advance(Millis{250});
  w.tick();
  EXPECT_FALSE(*waiting);
  revoke("two");
  w.advance(Millis{250});
  w.tick();
  const auto second = read(*waiting);
  ASSERT_EQ(second.events.size(), 1U);
  EXPECT_EQ(second.events[0].id, "two");
  EXPECT_GT(second.cursor, first.cursor);
  EXPECT_EQ(w.polls->waiting(), 0U);
}

TEST_F(RevocationPolling, NothingNewIsAnsweredWhenTheWaitIsOver) {
  const auto waiting = poll(0, seconds{2});
  w.advance(Millis{1'999});
  w.tick();
  EXPECT_FALSE(*waiting);
  w.advance(Millis{1});
  w.tick();
  const auto said = read(*waiting);
  EXPECT_TRUE(said.events.empty());
  EXPECT_EQ(said.cursor, 0);
  EXPECT_FALSE(said.more);
  EXPECT_TRUE(*poll(0, Millis{0})) << "a poll without a wait is answered at once, from memory";
}

TEST_F(RevocationPolling, MoreThanAPageSaysSo) {
  for (int i = 0; i < 1'001; ++i) revoke("t" + std::to_string(i));
  w.tick();
  const auto first = read(*poll(0, seconds{25}));
  EXPECT_EQ(first.events.size(), 1'000U);
  EXPECT_TRUE(first.more);
  const auto second = read(*poll(first.cursor, seconds{25}));
  EXPECT_EQ(second.events.size(), 1U);
  EXPECT_FALSE(second.more);
}

TEST_F(RevocationPolling, AWholeCrowdThatWaitsIsAnsweredTogetherAndOneMoreIsTooMany) {
  std::vector<std::shared_ptr<std::optional<Answer>>> all;
  for (int i = 0; i < 3; ++i) all.push_back(poll(0, seconds{25}));
  const auto fourth = poll(0, seconds{25});
  ASSERT_TRUE(*fourth);
  EXPECT_EQ((*fourth)->code(), "BUSY");
  EXPECT_EQ((*fourth)->status, 503);
  w.tick();
  EXPECT_THAT(w.metrics.text(),
      AllOf(HasSubstr("foyer_limit_used{limit=\"revocation_polls\"} 3\n"),
          HasSubstr("foyer_limit_max{limit=\"revocation_polls\"} 3\n"),
          HasSubstr("foyer_limit_refused_total{limit=\"revocation_polls\"} 1\n")));
  revoke("one");
  w.tick();
  for (const auto& one : all) EXPECT_EQ(read(*one).events.size(), 1U);
}

TEST_F(RevocationPolling, ACursorBeyondTheTableBeginsAgain) {
  revoke("one");
  w.tick();
  const auto said = read(*poll(4'711, seconds{25}));
  EXPECT_EQ(said.cursor, 0);
  EXPECT_TRUE(said.more);
  EXPECT_TRUE(said.events.empty());
  EXPECT_EQ(said.stream, w.store->stream());
  EXPECT_THAT(w.log.all(), HasSubstr("revocations_restart"));
}

TEST_F(RevocationPolling, AnEventReportedFirstByAnotherAuthServiceIsNotBeyond) {
  revoke("one"); // in the table, not read here yet
  const auto page = w.wait<RevocationPage>([&](auto done) { w.store->revocations_after(0, 10, std::move(done)); });
  ASSERT_TRUE(page);
  const auto waiting = poll(page->cursor, seconds{25});
  EXPECT_FALSE(*waiting) << "after one more query it is at the end";
  revoke("two");
  w.tick();
  EXPECT_EQ(read(*waiting).events.at(0).id, "two");
}

TEST_F(RevocationPolling, AtTheEndOfTheProcessAllWaitersAreAnswered) {
  const auto waiting = poll(0, seconds{25});
  w.polls->close();
  EXPECT_TRUE(*waiting);
  EXPECT_TRUE(*poll(0, seconds{25}));
}

} // namespace
} // namespace foyer::accounts

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/contract/messages.h"
#include "auth/contract/signature.h"
#include "auth/contract/variants.h"
#include "base/bytes.h"
#include "base/fingerprint.h"

namespace foyer::auth {
namespace {

const Identity kAda{.user = UserId{"u_ada"},
    .name = "Ada",
    .session = SessionId{"s1"},
    .token = {},
    .permissions = {.chat_read = true},
    .issued_at = from_unix_millis(1'000),
    .expires_at = from_unix_millis(9'000),
    .own_account = true,
    .rooms = {"orders-7", "private:den"}};

TEST(Contract, ATicketQuestionArrivesAsItWasAsked) {
  const Question asked = TicketRequest{
      .ticket = "t", .origin = "https://a.example", .address = "10.0.0.1", .attempt = "x", .ref = Ref{"r"}};
  const auto got = decode_question(encode(asked), Ref{"r"});
  ASSERT_TRUE(got);
  const auto& ticket = std::get<TicketRequest>(*got);
  EXPECT_EQ(ticket.ticket, "t");
  EXPECT_EQ(ticket.origin, "https://a.example");
  EXPECT_EQ(ticket.address, "10.0.0.1");
  EXPECT_EQ(ticket.attempt, "x");
  EXPECT_EQ(ticket.ref.view(), "r");
}

TEST(Contract, ARequestWithAnUnknownMemberIsRefused) {
  auto body = encode(Question{CookieRequest{.cookie = "c", .address = "10.0.0.1", .ref = {}}});
  body["token"] = "x";
  const auto got = decode_question(body, {});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().cause, Cause::BAD_REQUEST);
  EXPECT_EQ(got.error().field, "token");
}

TEST(Contract, AnIdentityArrivesWhole) {
  const auto got = decode_verify_answer(encode(Result<Identity>{kAda}));
  ASSERT_TRUE(got && got->identity);
  EXPECT_EQ(got->identity->user, kAda.user);
  EXPECT_EQ(got->identity->name, "Ada");
  EXPECT_EQ(got->identity->session, kAda.session);
  EXPECT_EQ(got->identity->permissions, kAda.permissions);
  EXPECT_EQ(got->identity->expires_at, kAda.expires_at);
  EXPECT_TRUE(got->identity->own_account);
  EXPECT_EQ(got->identity->rooms, kAda.rooms);
}

TEST(Contract, AnIdentityOfAVersionWithoutRoomsNamesNone) {
  json::Object answer = encode(Result<Identity>{kAda});
  answer.at("identity").as_object().erase("rooms");
  const auto got = decode_verify_answer(answer);
  ASSERT_TRUE(got && got->identity);
  EXPECT_TRUE(got->identity->rooms.empty());
}

TEST(Contract, ARefusalArrivesWholeWithTheCauseOfEachAttempt) {
  Refusal refusal{.cause = Cause::AUTH_RETRY_EXHAUSTED,
      .evidence = "e",
      .retry_after = Millis{1'500},
      .field = "f",
      .attempts = {{.cause = Cause::AUTH_SERVICE_TIMEOUT, .evidence = "600 ms"}}};
  const auto got = decode_verify_answer(encode(Result<Identity>{std::unexpected(refusal)}));
  ASSERT_TRUE(got);
  ASSERT_FALSE(got->identity);
  EXPECT_EQ(got->identity.error().cause, Cause::AUTH_RETRY_EXHAUSTED);
  EXPECT_EQ(got->identity.error().evidence, "e");
  EXPECT_EQ(got->identity.error().field, "f");
  EXPECT_EQ(got->identity.error().retry_after, Millis{1'500});
  ASSERT_EQ(got->identity.error().attempts.size(), 1U);
  EXPECT_EQ(got->identity.error().attempts[0].cause, Cause::AUTH_SERVICE_TIMEOUT);
}

TEST(Contract, AnAnswerThatIsNotOursSaysWhichMemberIsWrong) {
  for (const auto* text :
      {R"({})", R"({"valid":"yes"})", R"({"valid":true})", R"({"valid":false,"refusal":{"code":"NO_SUCH_CODE"}})",
          R"({"valid":true,"identity":{"user":""}})",
          R"({"valid":true,"identity":{"user":"u","name":"n","scope":"","issued_at":0,"expires_at":0,"own_account":true,"rooms":[1]}})"}) {
    const auto got = decode_verify_answer(json::parse(text)->as_object());
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().cause, Cause::INVALID_RESPONSE_FORMAT) << text;
    EXPECT_FALSE(got.error().field.empty()) << text;
  }
}

TEST(Contract, RevocationsArriveInOrderWithTheirReasons) {
  const RevocationAnswer sent{.stream = "s",
      .cursor = 7,
      .events = {{RevocationEvent::Kind::session, "s1", from_unix_millis(5), RevocationEvent::Reason::none},
          {RevocationEvent::Kind::user, "u1", from_unix_millis(6), RevocationEvent::Reason::disabled}},
      .more = true};
  const auto got = decode_revocation_answer(encode(sent));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->stream, "s");
  EXPECT_EQ(got->cursor, 7);
  EXPECT_TRUE(got->more);
  ASSERT_EQ(got->events.size(), 2U);
  EXPECT_EQ(got->events[1].id, "u1");
  EXPECT_EQ(got->events[1].reason, RevocationEvent::Reason::disabled);
}

TEST(Contract, AnotherContractIsNamedAsSuch) {
  auto body = encode(ChallengeAnswer{.proof = "p"});
  body["contract"] = kContractVersion + 1;
  const auto got = decode_challenge_answer(body);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().cause, Cause::CONTRACT_MISMATCH);
}

class Signed : public testing::Test {
 protected:
  Signed() {
    request.method = "POST";
    request.path = "/internal/verify";
    request.body = "{}";
    identity.sign(request.headers, "POST", "/internal/verify", "{}",
        {.address = "10.0.0.1", .ref = "r1", .origin = "https://chat.example"}, from_unix_millis(1'000), entropy);
  }
  bool good() {
    const auto claim = read_claim(request);
    return claim && signed_with(request, *claim, service_key("the secret of the gateway"));
  }
  FixedEntropy entropy;
  ServiceIdentity identity{"gateway", "the secret of the gateway"};
  Request request;
};

TEST_F(Signed, ARequestIsRecognisedByItsSignature) {
  const auto claim = read_claim(request);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->id, "gateway");
  EXPECT_EQ(claim->time_ms, 1'000);
  EXPECT_EQ(claim->address, "10.0.0.1");
  EXPECT_EQ(claim->ref, "r1");
  EXPECT_EQ(claim->origin, "https://chat.example");
  EXPECT_TRUE(good());
  EXPECT_FALSE(signed_with(request, *claim, service_key("the secret of the gateway\n")));
}

TEST_F(Signed, WhateverIsChangedBreaksTheSignature) {
  const Request original = request;
  const auto breaks = [&](std::string_view what, auto change) {
    request = original;
    change();
    EXPECT_FALSE(good()) << what;
  };
  breaks("method", [&] { request.method = "PUT"; });
  breaks("path", [&] { request.path = "/internal/revocations"; });
  breaks("query", [&] { request.query = "a=1"; });
  breaks("body", [&] { request.body = "{ }"; });
  breaks("address", [&] { request.headers.set(kClientAddressHeader, "10.0.0.2"); });
  breaks("ref", [&] { request.headers.set(kClientRefHeader, "r2"); });
  breaks("origin", [&] { request.headers.set(kClientOriginHeader, "http://chat.example"); });
  breaks("time", [&] { request.headers.set(kServiceTimeHeader, "1001"); });
  breaks("service", [&] { request.headers.set(kServiceIdHeader, "other"); });
  breaks("nonce", [&] { request.headers.set(kServiceNonceHeader, "0123456789abcdef"); });
}

TEST_F(Signed, AnAnswerIsSignedForOneRequestAlone) {
  const std::string nonce = *request.headers.find(kServiceNonceHeader);
  Response answer{.status = 200, .headers = {}, .body = R"({"valid":true})"};
  EXPECT_FALSE(answer_signed(answer, identity, nonce)) << "unsigned";
  answer.headers.set(kAnswerSignatureHeader, sign_answer(identity.key(), "gateway", nonce, 200, answer.body));
  EXPECT_TRUE(answer_signed(answer, identity, nonce));
  EXPECT_FALSE(answer_signed(answer, identity, "another-request-0123")) << "an old answer to a new request";
  EXPECT_FALSE(answer_signed(answer, ServiceIdentity("gateway", "another secret"), nonce));
  EXPECT_FALSE(answer_signed(answer, ServiceIdentity("gateway-2", "the secret of the gateway"), nonce));
  Response other = answer;
  other.body = R"({"valid":false})";
  EXPECT_FALSE(answer_signed(other, identity, nonce));
  other = answer;
  other.status = 201;
  EXPECT_FALSE(answer_signed(other, identity, nonce));
  other = answer;
  other.headers.add(std::string(kAnswerSignatureHeader), *answer.headers.find(kAnswerSignatureHeader));
  EXPECT_FALSE(answer_signed(other, identity, nonce)) << "twice";
}

TEST_F(Signed, AHeaderThatIsMissingTwiceOrMalformedIsNoCredential) {
  const Request original = request;
  for (const auto name : {kServiceIdHeader, kServiceTimeHeader, kServiceNonceHeader, kServiceSignatureHeader}) {
    request = original;
    request.headers.add(std::string(name), "x");
    EXPECT_EQ(read_claim(request).error().cause, Cause::SERVICE_CREDENTIALS_MISSING) << name;
    request = original;
    request.headers.set(name, "");
    EXPECT_EQ(read_claim(request).error().field, name);
  }
  request = original;
  request.headers.set(kServiceTimeHeader, "12x");
  EXPECT_FALSE(read_claim(request));
}

TEST(Variants, WhatBecameOfASecretIsFoundByItsFingerprint) {
  const std::string ours = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYw==";
  const auto named = [&](const std::string& theirs) -> std::string {
    for (const auto& variant : variants(ours))
      if (fingerprint("SERVICE_SECRET", variant.secret) == fingerprint("SERVICE_SECRET", theirs)) return variant.name;
    return "unknown";
  };
  EXPECT_EQ(named(ours), "as it is");
  EXPECT_EQ(named(ours + "\n"), "plus a newline");
  EXPECT_EQ(named(ours + "\r\n"), "plus a carriage return and a newline");
  EXPECT_EQ(named('"' + ours + '"'), "in double quotes");
  EXPECT_EQ(named("\xEF\xBB\xBF" + ours), "plus a byte order mark");
  EXPECT_EQ(named(*base64_decode(ours)), "base64-decoded");
  EXPECT_EQ(named("something else"), "unknown");
}

TEST(Variants, ASecretThatBroughtSomethingAlongIsFoundAsWell) {
  std::vector<std::string> names;
  for (const auto& variant : variants("\"quoted and with a newline\"\n")) names.push_back(variant.name);
  EXPECT_THAT(names, testing::Contains("without its final newline"));
  for (const auto& variant : variants(" abc ")) names.push_back(variant.name);
  EXPECT_THAT(names, testing::Contains("without its surrounding white space"));
  for (const auto& variant : variants("'abc'")) names.push_back(variant.name);
  EXPECT_THAT(names, testing::Contains("without its quotes"));
}

} // namespace
} // namespace foyer::auth

// Every mismatch between the two processes is found before a user meets it; in virtual time.
#include "auth/compatibility_monitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/contract/variants.h"
#include "auth/testing/links_world.h"
#include "base/bytes.h"
#include "base/fingerprint.h"

namespace foyer::auth {
namespace {

using namespace testing_world;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string kJwtSecret = "a-secret-for-tokens-of-the-virtual-world-of-good-length";

// The auth service's side, with its possible mismatches.
class Fit : public testing::Test {
 protected:
  Fit() {
    w.server.serve = [this](const Request& request, VirtualServer::Reply reply) {
      const auto challenge = decode_challenge(json::parse(request.body)->as_object());
      ASSERT_TRUE(challenge);
      EXPECT_EQ(challenge->service_fingerprint, fingerprint("service_secret", kServiceSecret));
      if (instead) return reply(VirtualServer::problem(*instead));
      ChallengeAnswer answer = theirs;
      answer.time = w.clock.wall() + their_clock;
      answer.proof = challenge_proof(their_key, challenge->nonce);
      reply(VirtualServer::json(200, encode(answer)));
    };
  }
  CompatibilityMonitor& start(std::string secret = std::string(kServiceSecret)) {
    facts.service_secret = secret;
    facts.kids = [this] { return kids; };
    identity.emplace("gateway-1", secret);
    monitor.emplace(w.around(w.server), *identity, facts);
    monitor->start();
    w.pass(Millis{50});
    return *monitor;
  }
  [[nodiscard]] std::vector<std::string> codes() const {
    std::vector<std::string> out;
    for (const auto& finding : monitor->status().findings) out.emplace_back(finding.code());
    return out;
  }
  [[nodiscard]] std::string evidence() const {
    return monitor->status().findings.empty() ? "" : monitor->status().findings.front().evidence;
  }
  void sign_with_a_shared_secret(const std::string& there) {
    theirs.kids.clear();
    theirs.signing_kid.clear();
    theirs.jwt_fingerprints.clear();
    for (const auto& variant : variants(there))
      theirs.jwt_fingerprints.push_back({variant.name, fingerprint("jwt_secret_key", variant.secret)});
  }

  LinkWorld w;
  FitFacts facts{.version = "1.0", .build = "build-a", .environment = "staging"};
  std::vector<std::string> kids = {"kid-1", "kid-2"};
  ChallengeAnswer theirs{.version = "1.0",
      .build = "build-a",
      .environment = "staging",
      .kids = {"kid-1", "kid-2"},
      .signing_kid = "kid-2"};
  Millis their_clock{0};
  std::string their_key = service_key(kServiceSecret);
  std::optional<Refusal> instead;
  std::optional<ServiceIdentity> identity;
  std::optional<CompatibilityMonitor> monitor;
};

TEST_F(Fit, TwoThatFitHaveNoFindings) {
  start();
  EXPECT_TRUE(monitor->status().answered);
  EXPECT_THAT(codes(), IsEmpty());
  EXPECT_EQ(monitor->status().peer_build, "build-a");
  w.pass(Millis{180'000});
  EXPECT_EQ(w.server.attempts, 4U) << "at start and every minute";
  EXPECT_EQ(w.log.lines.size(), 1U) << "said once";
}

TEST_F(Fit, UntilThereIsAnAnswerItSaysWhyNotAndAsksOn) {
  for (const auto& row : all_weathers()) {
    if (row.weather == Weather::fine || row.weather == Weather::slow || row.weather == Weather::wrong_secret ||
        row.weather == Weather::clock_off)
      continue;
    SCOPED_TRACE(row.name);
    w.server.always = row.weather;
    start();
    w.pass(Millis{6'000});
    EXPECT_FALSE(monitor->status().answered);
    EXPECT_EQ(monitor->status().fault->cause, row.cause);
    EXPECT_THAT(codes(), IsEmpty());
    w.server.always = Weather::fine;
    w.pass(Millis{8'100}); // a back-off of 5 s, an attempt of 3 s
    EXPECT_TRUE(monitor->status().answered);
    EXPECT_FALSE(monitor->status().fault);
  }
}

TEST_F(Fit, AnotherSecretIsFoundAtStartAndNoUsualVariantExplainsIt) {
  w.server.always = Weather::wrong_secret;
  start();
  w.pass(Millis{1'000});
  EXPECT_THAT(codes(), ElementsAre("SERVICE_SECRET_MISMATCH"));
  EXPECT_THAT(evidence(),
      testing::AllOf(HasSubstr(fingerprint("service_secret", kServiceSecret)),
          HasSubstr("theirs is not one of the usual variants of ours"), Not(HasSubstr(std::string(kServiceSecret)))));
  const auto after_probing = w.server.attempts;
  EXPECT_GE(after_probing, variants(kServiceSecret).size());
  w.pass(Millis{590'000});
  EXPECT_LE(w.server.attempts, after_probing + 6 + 590 / 30)
      << "retried with our secret only: six times quickly, then each minute";
  EXPECT_THAT(evidence(), HasSubstr("not one of the usual variants")) << "the finding stays";
  EXPECT_EQ(w.log.count("auth_service_does_not_fit"), 1U);
  w.server.always = Weather::fine;
  w.pass(Millis{61'000});
  EXPECT_THAT(codes(), IsEmpty());
  EXPECT_EQ(w.log.count("auth_service_finding_gone"), 1U);
}

class FitOfCopies : public Fit, public testing::WithParamInterface<std::pair<std::string, std::string>> {};

TEST_P(FitOfCopies, WhatBecameOfTheServiceSecretIsNamed) {
  w.server.serve = [this](
                       const Request&, VirtualServer::Reply reply) { reply(VirtualServer::json(200, encode(theirs))); };
  start(GetParam().first);
  EXPECT_THAT(codes(), ElementsAre("SERVICE_SECRET_MISMATCH"));
  EXPECT_THAT(evidence(), HasSubstr("theirs is ours " + GetParam().second));
  EXPECT_THAT(w.lines(), Not(HasSubstr(std::string(kServiceSecret))));
}
INSTANTIATE_TEST_SUITE_P(Copies, FitOfCopies,
    testing::Values(std::pair{std::string(kServiceSecret) + "\n", std::string("without its final newline")},
        std::pair{'"' + std::string(kServiceSecret) + '"', std::string("without its quotes")},
        std::pair{base64_encode(kServiceSecret), std::string("base64-decoded")},
        std::pair{
            std::string("\xEF\xBB\xBF") + std::string(kServiceSecret), std::string("without its byte order mark")}));

TEST_F(Fit, VariantsAreTriedAgainForANewFindingButNotWithinTenMinutes) {
  w.server.always = Weather::wrong_secret;
  start();
  w.pass(Millis{1'000});
  const auto tries = static_cast<std::uint64_t>(variants(kServiceSecret).size());
  w.server.always = Weather::fine;
  w.pass(Millis{60'000});
  EXPECT_THAT(codes(), testing::IsEmpty());
  const auto before = w.server.attempts;
  w.server.always = Weather::wrong_secret;
  w.pass(Millis{120'000});
  EXPECT_THAT(codes(), ElementsAre("SERVICE_SECRET_MISMATCH"));
  EXPECT_THAT(evidence(), Not(HasSubstr("variants")));
  EXPECT_LE(w.server.attempts, before + tries) << "checked more often than each minute, but with our secret only";
  w.pass(Millis{540'000});
  EXPECT_THAT(evidence(), HasSubstr("not one of the usual variants"));
}

TEST_F(Fit, WhatDoesNotFitIsLookedAtSoonerThanAMinute) {
  w.server.always = Weather::wrong_secret;
  start();
  w.pass(Millis{1'000});
  w.server.always = Weather::fine;
  w.pass(Millis{3'000});
  EXPECT_THAT(codes(), testing::IsEmpty());
}

TEST_F(Fit, AnAuthServiceThatCannotProveThatItKnowsTheSecretIsFound) {
  their_key = service_key("another");
  start();
  EXPECT_THAT(codes(), ElementsAre("SERVICE_SECRET_MISMATCH"));
  EXPECT_THAT(evidence(), HasSubstr("could not prove"));
}

TEST_F(Fit, WhatTheAuthServiceSaysOfOurSignatureIsAFinding) {
  for (const auto& [cause, expected] : {std::pair{Cause::SERVICE_UNKNOWN, "SERVICE_UNKNOWN"},
           std::pair{Cause::SERVICE_NOT_ALLOWED, "SERVICE_NOT_ALLOWED"},
           std::pair{Cause::SERVICE_CREDENTIALS_MISSING, "SERVICE_CREDENTIALS_MISSING"},
           std::pair{Cause::SERVICE_REQUEST_EXPIRED, "CLOCK_SKEW"},
           std::pair{Cause::SERVICE_REQUEST_REPLAYED, "SERVICE_REQUEST_REPLAYED"}}) {
    instead = Refusal{.cause = cause};
    start();
    EXPECT_THAT(codes(), ElementsAre(expected));
    EXPECT_NE(evidence(), "");
    EXPECT_TRUE(monitor->status().answered);
  }
}

TEST_F(Fit, AnotherContractIsFound) {
  theirs.contract = kContractVersion + 1;
  start();
  EXPECT_THAT(codes(), ElementsAre("CONTRACT_MISMATCH"));
}

TEST_F(Fit, AnAuthServiceThatIsOlderIsNamedAsSuch) {
  theirs.contract = kContractVersion - 1;
  w.server.sign_answers = false;
  start();
  EXPECT_THAT(codes(), ElementsAre("CONTRACT_MISMATCH"));
  EXPECT_THAT(evidence(), HasSubstr("the auth service is upgraded first"));
}

TEST_F(Fit, AModifiedAnswerIsDetected) {
  w.server.sign_answers = false; // the proof is right: it was relayed
  theirs.kids = {"kid-of-somebody-else"};
  theirs.signing_kid = "kid-of-somebody-else";
  start();
  EXPECT_THAT(codes(), ElementsAre("KEY_SET_MISMATCH", "AUTH_ANSWER_UNSIGNED"));
}

TEST_F(Fit, ClocksMayDifferByTheLeewayMeasuredInTheMiddleOfTheExchange) {
  their_clock = Millis{29'990};
  start();
  EXPECT_THAT(codes(), IsEmpty());
  their_clock = Millis{-31'000};
  w.pass(Millis{60'000});
  EXPECT_THAT(codes(), ElementsAre("CLOCK_SKEW"));
  EXPECT_THAT(evidence(), testing::AllOf(HasSubstr("31000 ms behind"), HasSubstr("leeway is 30000 ms")));
  w.server.always = Weather::slow;
  their_clock = Millis{0};
  w.pass(Millis{61'000});
  EXPECT_THAT(codes(), IsEmpty());
}

TEST_F(Fit, AnotherEnvironmentIsFoundAndOtherBuildsAreOnlyALine) {
  theirs.build = "build-b";
  start();
  EXPECT_THAT(codes(), IsEmpty());
  EXPECT_EQ(w.log.count("auth_service_build_differs"), 1U);
  theirs.environment = "production";
  w.pass(Millis{60'000});
  EXPECT_THAT(codes(), ElementsAre("ENVIRONMENT_MISMATCH"));
  EXPECT_EQ(evidence(), "the auth service runs in production, this gateway in staging");
}

TEST_F(Fit, AnIssuerOrAudienceThatTheGatewayDoesNotTakeIsFoundBeforeTheFirstToken) {
  facts.issuer = "https://chat.example";
  facts.audience = "foyer";
  start();
  EXPECT_THAT(codes(), IsEmpty()) << "an older auth service does not send it";
  theirs.issuer = "https://chat.example";
  theirs.audience = "foyer";
  start();
  EXPECT_THAT(codes(), IsEmpty());
  theirs.issuer = "http://chat.internal";
  theirs.audience = "other";
  start();
  EXPECT_THAT(codes(), ElementsAre("ISSUER_MISMATCH", "AUDIENCE_MISMATCH"));
  EXPECT_EQ(evidence(),
      "the auth service writes http://chat.internal into tokens, but this gateway accepts https://chat.example");
}

TEST_F(Fit, SharedSecretsForTokensAreComparedByFingerprintsOfTheirVariants) {
  facts.jwt_secret_key = kJwtSecret;
  const auto difference = [this](const std::string& there) {
    sign_with_a_shared_secret(there);
    start();
    return codes().empty() ? std::string("none") : std::string(codes().front()) + ": " + evidence();
  };
  EXPECT_EQ(difference(kJwtSecret), "none");
  EXPECT_THAT(difference(kJwtSecret + "\n"),
      testing::AllOf(
          HasSubstr("KEY_SET_MISMATCH"), HasSubstr("theirs is ours plus a newline"), Not(HasSubstr(kJwtSecret))));
  EXPECT_THAT(difference(base64_encode(kJwtSecret) + " "), HasSubstr("neither is a usual variant"));
  EXPECT_THAT(difference(" \"" + kJwtSecret), HasSubstr("neither is a usual variant"));
  EXPECT_THAT(difference("  " + kJwtSecret), HasSubstr("ours is theirs without its surrounding white space"));
}

TEST_F(Fit, AKeyPairThereAndASharedSecretHereDoNotFitNorTheOtherWay) {
  facts.jwt_secret_key = kJwtSecret;
  start();
  EXPECT_THAT(codes(), ElementsAre("KEY_SET_MISMATCH"));
  EXPECT_THAT(evidence(), HasSubstr("signs with a key pair (kid kid-2)"));
  facts.jwt_secret_key.clear();
  sign_with_a_shared_secret(kJwtSecret);
  start();
  EXPECT_THAT(codes(), ElementsAre("KEY_SET_MISMATCH"));
  EXPECT_THAT(evidence(), HasSubstr("this gateway verifies with public keys"));
}

TEST_F(Fit, ASecretThatIsTooWeakForAFingerprintIsNotCompared) {
  facts.jwt_secret_key = kJwtSecret;
  theirs.signing_kid.clear();
  start();
  EXPECT_THAT(codes(), IsEmpty());
}

TEST_F(Fit, AnotherKeySetIsFoundAtOnceAndANewKeyHasAMinuteToArrive) {
  kids = {"kid-of-production"};
  start();
  EXPECT_THAT(codes(), ElementsAre("KEY_SET_MISMATCH"));
  EXPECT_THAT(evidence(), testing::AllOf(HasSubstr("kid-2"), HasSubstr("kid-of-product")));
  kids = {};
  w.pass(Millis{60'000});
  EXPECT_THAT(codes(), IsEmpty()) << "a missing key set is reported by the key set itself";
  kids = {"kid-1"};
  w.pass(Millis{60'000});
  EXPECT_THAT(codes(), IsEmpty());
  w.pass(Millis{60'000});
  EXPECT_THAT(codes(), ElementsAre("KEY_SET_MISMATCH"));
  kids = {"kid-1", "kid-2"};
  w.pass(Millis{60'000});
  EXPECT_THAT(codes(), IsEmpty());
}

TEST_F(Fit, FindingsStayWhileTheAuthServiceIsAway) {
  theirs.environment = "production";
  start();
  w.server.always = Weather::refused;
  w.pass(Millis{61'000});
  EXPECT_THAT(codes(), ElementsAre("ENVIRONMENT_MISMATCH"));
  EXPECT_EQ(monitor->status().fault->cause, Cause::AUTH_SERVICE_CONNECTION_ERROR);
}

} // namespace
} // namespace foyer::auth

// The key set: fetched until available, kept fresh, refetched for unknown kids but never flooded; in virtual time.
#include "auth/key_set_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "auth/testing/links_world.h"

namespace foyer::auth {
namespace {

using namespace testing_world;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = client::NetError::Kind;

std::string jwks(std::initializer_list<std::uint64_t> seeds) {
  std::vector<jose::Key> keys;
  for (const auto seed : seeds) {
    FixedEntropy entropy(seed);
    keys.push_back(jose::Key::generate(jose::Algorithm::eddsa, entropy).public_part());
  }
  return (*jose::KeySet::of(std::move(keys)))->to_jwks();
}

class Source : public testing::Test {
 protected:
  Source() {
    w.scripted.serve = [this](const Call& call) -> std::optional<client::HttpResult> {
      if (silent) return std::nullopt;
      if (down) return *down;
      const std::string* known = call.headers.find("If-None-Match");
      if (known != nullptr && *known == etag) return Response{.status = 304, .headers = {{"ETag", etag}}, .body = {}};
      return Response{.status = 200, .headers = {{"ETag", etag}, {"Content-Type", "application/json"}}, .body = body};
    };
  }
  void publish(std::initializer_list<std::uint64_t> seeds) {
    body = jwks(seeds);
    etag = '"' + std::to_string(seeds.size()) + '-' + std::to_string(*seeds.begin()) + '"';
  }
  std::string refresh() {
    std::string out = "nothing yet";
    source.refresh([&out](Result<bool> newer) {
      out = !newer ? std::string(newer.error().code()) : *newer ? "newer" : "nothing newer";
    });
    w.pass(Millis{2});
    return out;
  }
  [[nodiscard]] std::string check() const {
    const auto refusal = source.check();
    return refusal ? std::string(refusal->code()) : "good";
  }
  std::size_t fetches() const { return w.scripted.seen.size(); }

  LinkWorld w;
  std::string body = jwks({1});
  std::string etag = "\"1\"";
  std::optional<client::HttpResult> down;
  bool silent = false;
  std::vector<std::size_t> changes; // how many keys each set had
  KeySetSource source{w.around(w.scripted), {.target = "/.well-known/jwks.json?x=secret"},
      [this](std::shared_ptr<const jose::KeySet> keys) { changes.push_back(keys->keys().size()); }};
};

TEST_F(Source, FetchesAtStartAndEveryMinuteAndReportsOnlyChanges) {
  EXPECT_EQ(check(), "AUTH_SERVICE_TIMEOUT") << "not before the first answer";
  source.start();
  w.pass(Millis{5});
  EXPECT_EQ(check(), "good");
  EXPECT_THAT(changes, ElementsAre(1U));
  w.pass(Millis{120'000});
  EXPECT_EQ(fetches(), 3U);
  EXPECT_EQ(*w.scripted.seen[1].headers.find("If-None-Match"), "\"1\"");
  EXPECT_EQ(w.scripted.seen[0].headers.find(kServiceSignatureHeader), nullptr) << "unsigned";
  publish({1, 2});
  w.pass(Millis{60'010});
  EXPECT_THAT(changes, ElementsAre(1U, 2U));
  etag = "\"renamed\""; // the same keys under another tag
  w.pass(Millis{60'010});
  EXPECT_THAT(changes, ElementsAre(1U, 2U));
  EXPECT_EQ(source.status().keys, 2U);
}

TEST_F(Source, OneKeyThatCannotBeUsedBesideGoodOnesIsIgnoredAndSaidOnce) {
  const std::string strange =
      R"({"kty":"EC","crv":"P-256","alg":"ESP256","kid":"new","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
  const std::string secret =
      R"({"kty":"oct","alg":"HS256","kid":"k","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldC1zZWM"})";
  body.insert(body.find('[') + 1, strange + "," + secret + ",");
  source.start();
  w.pass(Millis{5});
  EXPECT_EQ(check(), "good");
  EXPECT_THAT(changes, ElementsAre(1U));
  EXPECT_EQ(source.status().ignored, 2U);
  EXPECT_EQ(w.log.count("key_set_keys_ignored"), 1U);
  EXPECT_THAT(w.lines(),
      AllOf(HasSubstr("ESP256"), HasSubstr("a shared secret beside public keys"), testing::Not(HasSubstr("c2VjcmV0"))));
  etag = "\"again\""; // fetched anew, the same keys
  w.pass(Millis{60'010});
  EXPECT_EQ(w.log.count("key_set_keys_ignored"), 1U);
  publish({1});
  w.pass(Millis{60'010});
  EXPECT_EQ(source.status().ignored, 0U);
  EXPECT_EQ(w.log.count("key_set_keys_usable"), 1U);
}

TEST_F(Source, AStartWithoutTheServerIsTriedAgainWithinSecondsAndSaysWhy) {
  down = ScriptedServer::failed(Kind::connect, "cannot connect to auth:8001: Connection refused");
  source.start();
  w.pass(Millis{20'000});
  EXPECT_EQ(check(), "AUTH_SERVICE_CONNECTION_ERROR");
  EXPECT_THAT(source.check()->evidence,
      testing::AllOf(HasSubstr("no key set has been fetched yet"), HasSubstr("GET /.well-known/jwks.json: "),
          testing::Not(HasSubstr("secret"))));
  EXPECT_EQ(refresh(), "AUTH_SERVICE_CONNECTION_ERROR") << "at once: a fetch is already due";
  EXPECT_LE(fetches(), 20U);
  down.reset();
  w.pass(Millis{5'010});
  EXPECT_EQ(check(), "good");
  publish({1, 2});
  w.pass(Millis{2'000});
  EXPECT_EQ(refresh(), "newer") << "fetched, not blocked by the faults at start";
  EXPECT_THAT(changes, ElementsAre(1U, 2U));
}

TEST_F(Source, AnUnknownKidFetchesOnceForAllWaiters) {
  source.start();
  w.pass(Millis{5'000});
  publish({1, 2});
  std::vector<bool> newer;
  for (int i = 0; i < 100; ++i) source.refresh([&newer](Result<bool> answer) { newer.push_back(answer.value()); });
  w.pass(Millis{5});
  EXPECT_EQ(newer, std::vector<bool>(100, true));
  EXPECT_EQ(fetches(), 2U);
  EXPECT_EQ(refresh(), "newer") << "a token verified a moment ago was checked with the older set";
  w.pass(Millis{1'000});
  EXPECT_EQ(refresh(), "nothing newer");
  EXPECT_EQ(fetches(), 2U);
}

TEST_F(Source, AFloodOfTenThousandUnknownKidsIsAtMostOneFetchPerCoolDown) {
  source.start();
  w.pass(Millis{5'000});
  const auto before = fetches();
  std::size_t answered = 0;
  for (int i = 0; i < 10'000; ++i) {
    source.refresh([&answered](Result<bool> answer) { answered += answer.value() ? 0 : 1; });
    w.pass(Millis{9}); // 90 s
  }
  EXPECT_EQ(answered, 10'000U);
  EXPECT_EQ(fetches() - before, 3U);
}

TEST_F(Source, TheLastGoodSetServesUpToItsAgeAndThenNoMore) {
  source.start();
  w.pass(Millis{5});
  const std::vector<std::pair<client::HttpResult, Cause>> faults = {
      {ScriptedServer::failed(Kind::connect), Cause::AUTH_SERVICE_CONNECTION_ERROR},
      {ScriptedServer::failed(Kind::timeout), Cause::AUTH_SERVICE_TIMEOUT},
      {Response{.status = 503, .headers = {}, .body = {}}, Cause::AUTH_SERVICE_NOT_AVAILABLE},
      {Response{.status = 302, .headers = {{"Location", "/login"}}, .body = {}}, Cause::INVALID_RESPONSE_FORMAT},
      {Response{.status = 404, .headers = {}, .body = {}}, Cause::INVALID_RESPONSE_FORMAT},
      {Response{.status = 200, .headers = {{"Content-Type", "text/html"}}, .body = "<html>"},
          Cause::INVALID_RESPONSE_FORMAT},
      {Response{.status = 200, .headers = {}, .body = R"({"keys":[]})"}, Cause::INVALID_RESPONSE_FORMAT},
      {Response{.status = 200,
           .headers = {},
           .body =
               R"({"keys":[{"kty":"oct","alg":"HS256","kid":"k","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldC1zZWM"}]})"},
          Cause::INVALID_RESPONSE_FORMAT},
      {Response{.status = 200, .headers = {}, .body = "no JSON"}, Cause::INVALID_RESPONSE_FORMAT},
  };
  for (const auto& [result, cause] : faults) {
    down = result;
    w.pass(Millis{65'000});
    EXPECT_EQ(source.status().fault->cause, cause);
    EXPECT_EQ(check(), "good");
    EXPECT_EQ(refresh(), "nothing newer");
    EXPECT_EQ(check(), "good") << "a failed fetch does not invalidate the set";
  }
  EXPECT_THAT(w.lines(), HasSubstr("the last good one stays in use"));
  w.pass(Millis{3'600'000});
  EXPECT_EQ(check(), "INVALID_RESPONSE_FORMAT");
  EXPECT_THAT(source.check()->evidence, HasSubstr("older than 3600 s"));
  EXPECT_EQ(refresh(), "INVALID_RESPONSE_FORMAT");
  EXPECT_EQ(w.log.count("key_set_too_old"), 1U);
  down.reset();
  w.pass(Millis{5'010});
  EXPECT_EQ(check(), "good");
  EXPECT_FALSE(source.status().fault);
  EXPECT_EQ(w.log.count("key_set_fetched_again"), 1U);
  EXPECT_THAT(changes, ElementsAre(1U));
}

TEST_F(Source, WaitersOfAFailedFetchLearnThatThereIsNothingNewer) {
  source.start();
  w.pass(Millis{2'000});
  down = ScriptedServer::failed(Kind::closed);
  std::vector<bool> newer;
  for (int i = 0; i < 3; ++i) source.refresh([&newer](Result<bool> answer) { newer.push_back(answer.value()); });
  w.pass(Millis{5});
  EXPECT_EQ(newer, std::vector<bool>(3, false));
  down.reset();
  publish({1, 2});
  w.pass(Millis{200});
  EXPECT_THAT(changes, ElementsAre(1U, 2U)) << "the back-off brings it, not the cool-down";
}

// Over random outages, rotations and floods: every call completes, with at most one unscheduled fetch per cool-down.
TEST_F(Source, EverybodyIsAnsweredAndTheServerIsSpared) {
  FixedEntropy entropy(7);
  source.start();
  std::size_t asked = 0;
  std::size_t answered = 0;
  std::vector<std::size_t> at_minute = {0};
  for (int step = 0; step < 3'000; ++step) { // ten minutes
    if (entropy.below(100) == 0) publish({1 + entropy.below(50)});
    if (entropy.below(150) == 0)
      down = entropy.below(2) == 0 ? ScriptedServer::failed(Kind::connect)
                                   : client::HttpResult(Response{.status = 502, .headers = {}, .body = {}});
    if (entropy.below(50) == 0) down.reset();
    for (auto n = entropy.below(20); n > 0; --n, ++asked) source.refresh([&answered](Result<bool>) { ++answered; });
    w.pass(Millis{200});
    if (step % 300 == 299) at_minute.push_back(fetches());
  }
  down.reset();
  w.pass(Millis{6'000});
  EXPECT_EQ(answered, asked);
  for (std::size_t i = 1; i < at_minute.size(); ++i)
    EXPECT_LE(at_minute[i] - at_minute[i - 1], 30U) << "3, and the retries of the back-off";
  EXPECT_EQ(check(), "good");
  EXPECT_FALSE(source.status().fault);
}

TEST_F(Source, TooManyWaitersAreRefused) {
  source.start();
  w.pass(Millis{2'000});
  silent = true;
  std::size_t busy = 0;
  for (int i = 0; i < 20'010; ++i)
    source.refresh([&busy](Result<bool> answer) { busy += !answer && answer.error().cause == Cause::BUSY ? 1 : 0; });
  EXPECT_EQ(busy, 10U);
  EXPECT_THAT(w.metrics.text(),
      AllOf(HasSubstr("foyer_limit_used{limit=\"key_set_waiters\"} 20000\n"),
          HasSubstr("foyer_limit_refused_total{limit=\"key_set_waiters\"} 10\n")));
}

// ---- the key set of a trusted issuer

constexpr std::string_view kMetadata =
    R"({"issuer":"https://idp.test/realm","jwks_uri":"https://idp.test/realm/keys"})";

class IssuerSource : public testing::Test {
 protected:
  IssuerSource() {
    w.scripted.serve = [this](const Call& call) -> std::optional<client::HttpResult> {
      const auto found = answers.find(call.target);
      if (found == answers.end()) return std::nullopt; // silent until the deadline
      return found->second;
    };
    answers["/realm/.well-known/openid-configuration"] = page(std::string(kMetadata));
    answers["/realm/keys"] = page(jwks({1}));
  }
  static Response page(std::string body, int status = 200, std::string type = "application/json") {
    return {.status = status, .headers = {{"Content-Type", std::move(type)}}, .body = std::move(body)};
  }
  [[nodiscard]] std::string check() const {
    const auto refusal = source.check();
    return refusal ? std::string(refusal->code()) + ": " + refusal->evidence : "good";
  }
  [[nodiscard]] std::vector<std::string> targets() const {
    std::vector<std::string> out;
    for (const auto& call : w.scripted.seen) out.push_back(call.target);
    return out;
  }

  LinkWorld w;
  std::map<std::string, client::HttpResult> answers;
  std::vector<std::size_t> changes;
  KeySetSource source{w.around(w.scripted),
      {.issuer = "idp",
          .discovery = Discovery{.target = "/realm/.well-known/openid-configuration",
              .issuer = "https://idp.test/realm",
              .origin = "https://idp.test"},
          .algorithms = {jose::Algorithm::eddsa}},
      [this](std::shared_ptr<const jose::KeySet> keys) { changes.push_back(keys->keys().size()); }};
};

TEST_F(IssuerSource, DiscoversWhereItsKeysAre) {
  source.start();
  w.pass(Millis{10});
  EXPECT_EQ(check(), "good");
  EXPECT_THAT(changes, ElementsAre(1U));
  EXPECT_THAT(targets(), ElementsAre("/realm/.well-known/openid-configuration", "/realm/keys"));
  w.pass(Millis{60'010});
  EXPECT_EQ(targets().back(), "/realm/keys") << "the document is read again only after a fault";
  // The set moves: the old address fails, and the next attempt discovers the new one.
  answers["/realm/keys"] = page("gone", 404, "text/plain");
  answers["/realm/new"] = page(jwks({1, 2}));
  answers["/realm/.well-known/openid-configuration"] =
      page(R"({"issuer":"https://idp.test/realm","jwks_uri":"https://idp.test/realm/new"})");
  w.pass(Millis{90'000});
  EXPECT_THAT(changes, ElementsAre(1U, 2U));
  EXPECT_EQ(check(), "good");
}

TEST_F(IssuerSource, SaysWhyThereAreNoKeys) {
  const struct {
    client::HttpResult metadata, keys;
    const char* why;
  } kCases[] = {
      {ScriptedServer::failed(Kind::connect, "Connection refused"), page(""), "Connection refused"},
      {ScriptedServer::failed(Kind::timeout, "no byte in 5 s"), page(""), "no byte in 5 s"},
      {page("<html>login</html>", 200, "text/html"), page(""), "an HTML page instead of an issuer's metadata"},
      {page("", 302), page(""), "a redirect; redirects are not followed"},
      {page("", 503), page(""), "answered 503"},
      {page("[]"), page(""), "not a JSON object"},
      {page("{}"), page(""), "metadata without an issuer"},
      {page(R"({"issuer":"https://idp.test/realm/","jwks_uri":"https://idp.test/realm/keys"})"), page(""),
          "another issuer, https://idp.test/realm/; expected exactly https://idp.test/realm"},
      {page(R"({"issuer":"https://idp.test/realm"})"), page(""), "without jwks_uri"},
      {page(R"({"issuer":"https://idp.test/realm","jwks_uri":"https://evil.test/keys"})"), page(""),
          "jwks_uri is not on the origin of the issuer"},
      {page(R"({"issuer":"https://idp.test/realm","jwks_uri":"http://idp.test/keys"})"), page(""),
          "jwks_uri is not on the origin of the issuer"},
      {page(R"({"issuer":"https://idp.test/realm","jwks_uri":"https://idp.test:8443/keys"})"), page(""),
          "jwks_uri is not on the origin of the issuer"},
      {page(std::string(kMetadata)), page("<html></html>", 200, "text/html"), "an HTML page instead of a key set"},
      {page(std::string(kMetadata)), page("{}"), "a key set without the array keys"},
      {page(std::string(kMetadata)), page(R"({"keys":[]})"), "without a key that verifies signatures"},
      {page(std::string(kMetadata)),
          page(
              R"({"keys":[{"kty":"oct","alg":"HS256","kid":"k","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldC1zZWM"}]})"),
          "only shared secrets"},
      {page(std::string(kMetadata)),
          page(
              R"({"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})"),
          "no key for EdDSA; those in the set are for ES256"},
  };
  for (const auto& each : kCases) {
    LinkWorld world;
    world.scripted.serve = [&](const Call& call) -> std::optional<client::HttpResult> {
      return call.target == "/realm/keys" ? each.keys : each.metadata;
    };
    KeySetSource tried{world.around(world.scripted),
        {.issuer = "idp",
            .discovery = Discovery{.target = "/d", .issuer = "https://idp.test/realm", .origin = "https://idp.test"},
            .algorithms = {jose::Algorithm::eddsa}},
        [](const std::shared_ptr<const jose::KeySet>&) {}};
    tried.start();
    world.pass(Millis{50});
    const auto refusal = tried.check();
    ASSERT_TRUE(refusal.has_value()) << each.why;
    EXPECT_EQ(refusal->code(), "ISSUER_KEYS_UNAVAILABLE");
    EXPECT_THAT(refusal->evidence, AllOf(HasSubstr("issuer idp"), HasSubstr(each.why)));
    EXPECT_TRUE(refusal->retry_after.has_value());
  }
}

TEST_F(IssuerSource, TheLastGoodKeysServeForAnHourAndThenNot) {
  source.start();
  w.pass(Millis{10});
  answers["/realm/keys"] = page("", 503);
  w.pass(Millis{59 * 60'000});
  EXPECT_EQ(check(), "good");
  w.pass(Millis{2 * 60'000});
  EXPECT_THAT(check(),
      AllOf(testing::StartsWith("ISSUER_KEYS_UNAVAILABLE: the key set is from "), HasSubstr("older than 3600 s")));
  answers["/realm/keys"] = page(jwks({1}));
  w.pass(Millis{60'000});
  EXPECT_EQ(check(), "good");
}

TEST_F(IssuerSource, AnUnknownKidFetchesAtMostOncePerCoolDown) {
  source.start();
  w.pass(Millis{5'000});
  const auto before = targets().size();
  for (int i = 0; i < 100; ++i) source.refresh([](Result<bool>) {});
  w.pass(Millis{10});
  for (int i = 0; i < 100; ++i) source.refresh([](Result<bool>) {});
  w.pass(Millis{10});
  EXPECT_EQ(targets().size(), before + 1);
}

} // namespace
} // namespace foyer::auth

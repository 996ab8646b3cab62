// Tokens of trusted issuers against their tables: every mistake of auth/testing/token_mistakes.json gets one refusal
// that names all of it, and what is right gets in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "auth/issuers.h"
#include "base/bytes.h"
#include "config/issuer_keys.h"
#include "config/testing/config_world.h"
#include "jose/jws.h"

namespace foyer::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const WallTime kNow = from_unix_seconds(1'800'000'000);
constexpr std::string_view kSecret = "Vb7!rT2m-Qk9wXz5Lp0sNc8dYh3fJg6a";

const json::Object& table() {
  static const json::Value read = [] {
    std::ifstream file{FOYER_SOURCE_DIR "/src/auth/testing/token_mistakes.json"};
    std::stringstream text;
    text << file.rdbuf();
    return json::parse(text.str()).value();
  }();
  return read.get_object();
}

std::string text_of(const json::Object& object, std::string_view name, std::string_view otherwise = {}) {
  return std::string(json::get_string(object, name).value_or(otherwise));
}

// "@+60": the number; "'@+60": the text of it; "-": nullopt.
std::optional<json::Value> value_of_row(const json::Value& written) {
  const auto* text = written.if_string();
  if (text == nullptr) return written;
  std::string_view s{*text};
  if (s == "-") return std::nullopt;
  const bool quoted = s.starts_with("'@");
  if (quoted) s.remove_prefix(1);
  if (!s.starts_with('@')) return written;
  const double seconds = std::stod(std::string(s.substr(s[1] == '+' ? 2 : 1)));
  const double at = static_cast<double>(kNow.time_since_epoch().count()) / 1000.0 + seconds;
  const bool whole = at == static_cast<double>(static_cast<std::int64_t>(at));
  if (quoted) return json::Value(std::to_string(static_cast<std::int64_t>(at)));
  return whole ? json::Value(static_cast<std::int64_t>(at)) : json::Value(at);
}

void change(json::Object& object, const json::Value* changes) {
  if (changes == nullptr) return;
  for (const auto& pair : changes->get_object()) {
    auto value = value_of_row(pair.value());
    if (value)
      object[pair.key()] = std::move(*value);
    else
      object.erase(pair.key());
  }
}

class IssuerTokens : public testing::Test {
 protected:
  IssuerTokens() {
    json::Array configured;
    World world{.args = {"--dev"}, .env = {}, .files = {{"/s", {std::string(kSecret), 0600}}}};
    for (const auto& each : table().at("issuers").get_array()) {
      json::Object config = each.at("config").get_object();
      const std::string name = text_of(config, "name");
      const std::string kind = text_of(each.get_object(), "key");
      FixedEntropy entropy(configured.size() + 1);
      const auto algorithm = *jose::find_algorithm(kind);
      keys_.emplace(
          name, kind == "HS256" ? jose::Key::from_secret(kSecret).value() : jose::Key::generate(algorithm, entropy));
      tokens_.emplace(name, each.at("token").get_object());
      if (kind == "HS256") {
        config["secret_file"] = "/s";
      } else {
        world.files["/" + name] = {keys_.at(name).public_part().to_pem(), 0644};
        config["public_key_file"] = "/" + name;
      }
      configured.emplace_back(std::move(config));
    }
    world.env["FOYER_ISSUER"] = json::write(configured);
    EXPECT_THAT(world.codes(), IsEmpty());
    const auto loaded = world.loaded();
    std::vector<std::unique_ptr<auth::IssuerVerifier>> verifiers;
    for (const auto& issuer : loaded.config.issuers)
      verifiers.push_back(std::make_unique<auth::IssuerVerifier>(
          auth::IssuerTerms{.issuer = issuer}, keys_in_file(issuer, world.reader()).value()));
    issuers_ = std::make_unique<auth::Issuers>(nullptr, "foyer", std::move(verifiers), 8 * 1024, metrics_);
    for (const auto& issuer : loaded.config.issuers) names_.emplace(issuer.name, issuer.issuer);
  }

  std::string token(const json::Object& row) const {
    const std::string issuer = text_of(row, "issuer");
    const jose::Key& key = keys_.at(text_of(row, "signed_by", issuer));
    const json::Object& base = tokens_.at(issuer);
    json::Object header{{"alg", jose::to_string(key.algorithm())}};
    if (!key.symmetric()) header["kid"] = key.kid();
    json::Object claims{{"iss", names_.at(issuer)}};
    change(header, &base.at("header"));
    change(claims, &base.at("claims"));
    change(header, row.if_contains("header"));
    change(claims, row.if_contains("claims"));
    const std::string input = base64url_encode(json::write(header)) + "." + base64url_encode(json::write(claims));
    return input + "." + base64url_encode(key.sign(input));
  }

  std::map<std::string, jose::Key> keys_;
  std::map<std::string, json::Object> tokens_;
  std::map<std::string, std::string> names_;
  Metrics metrics_;
  std::unique_ptr<auth::Issuers> issuers_;
};

TEST_F(IssuerTokens, EveryMistakeIsNamedInOneRefusal) {
  const auto& rows = table().at("mistakes").get_array();
  EXPECT_GE(rows.size(), 40U);
  for (const auto& each : rows) {
    const json::Object& row = each.get_object();
    const std::string name = text_of(row, "name");
    const auto seen = issuers_->verify(token(row), kNow);
    ASSERT_FALSE(seen.has_value()) << name;
    EXPECT_EQ(seen.error().code(), text_of(row, "code")) << name << ": " << seen.error().evidence;
    const auto& names = row.at("names").get_array();
    EXPECT_EQ(seen.error().field, std::string_view(names.at(0).get_string())) << name << ": " << seen.error().evidence;
    for (const auto& claim : names)
      EXPECT_THAT(seen.error().evidence, HasSubstr(std::string(claim.get_string()) + " ")) << name;
    // And nothing else: as many sentences as names.
    const bool of_claims = seen.error().cause != Cause::ALGORITHM_NOT_ALLOWED &&
        seen.error().cause != Cause::KEY_UNKNOWN && seen.error().cause != Cause::ISSUER_MISMATCH;
    if (of_claims) {
      const auto parts = std::ranges::count(seen.error().evidence, ';') +
          (seen.error().evidence.find(". Also wrong: ") == std::string::npos ? 0 : 1);
      const bool has_expectation = seen.error().evidence.find("; expected") != std::string::npos ||
          seen.error().evidence.find("; no audience") != std::string::npos;
      EXPECT_LE(static_cast<std::size_t>(parts), names.size() - 1 + (has_expectation ? 2U : 0U))
          << name << ": " << seen.error().evidence;
    }
    EXPECT_THAT(seen.error().operator_text(), HasSubstr(std::string(names.at(0).get_string()))) << name;
  }
}

TEST_F(IssuerTokens, WhatIsRightGetsIn) {
  for (const auto& each : table().at("accepted").get_array()) {
    const json::Object& row = each.get_object();
    const std::string name = text_of(row, "name");
    const auto seen = issuers_->verify(token(row), kNow);
    ASSERT_TRUE(seen.has_value()) << name << ": " << seen.error().operator_text();
    EXPECT_EQ(seen->user.view(), text_of(row, "user")) << name;
    EXPECT_TRUE(seen->foreign);
    EXPECT_FALSE(seen->own_account);
    if (row.contains("scope")) {
      EXPECT_EQ(to_scope(seen->permissions), text_of(row, "scope")) << name;
    }
    if (row.contains("shown")) {
      EXPECT_EQ(seen->name, text_of(row, "shown")) << name;
    }
    if (const auto* rooms = row.if_contains("rooms")) {
      EXPECT_EQ(seen->rooms.size(), rooms->get_array().size()) << name;
    }
  }
}

TEST_F(IssuerTokens, ATokenWithoutIatCountsAsIssuedAtTheBeginning) {
  const json::Object least{{"issuer", "shop"}};
  EXPECT_EQ(issuers_->verify(token(least), kNow)->issued_at, WallTime{});
  EXPECT_EQ(issuers_->verify(token({{"issuer", "shop"}, {"claims", {{"iat", "@-7.9"}}}}), kNow)->issued_at,
      kNow - std::chrono::seconds{8})
      << "floored";
}

// RFC 8725 §3.1: the public key of an issuer is no secret, in whatever form it is written.
TEST_F(IssuerTokens, ATokenForARoomIsJudgedLikeOthersOfItsIssuer) {
  const auto read = [&](json::Object claims, json::Object header = {{"typ", "room+jwt"}}) {
    const auto room = issuers_->verify_room(
        token({{"issuer", "shop"}, {"header", std::move(header)}, {"claims", std::move(claims)}}), kNow);
    return room ? std::string(room->identity.user.view()) + " " + room->room
                : std::string(room.error().code()) + " " + room.error().field;
  };
  const std::string user(issuers_->verify(token({{"issuer", "shop"}}), kNow)->user.view());
  EXPECT_EQ(read({{"room", "tea"}}), user + " tea");
  EXPECT_EQ(read({{"channel", "tea"}}, {{"typ", "-"}}), user + " tea");
  EXPECT_EQ(read({{"room", "tea"}, {"channel", "coffee"}}), user + " tea");
  EXPECT_EQ(read({}), "CLAIM_MISSING room");
  EXPECT_EQ(read({}, {{"typ", "JWT"}}), "WRONG_TOKEN_TYPE typ");
  EXPECT_EQ(read({{"room", ""}}), "CLAIM_MISSING room");
  EXPECT_EQ(read({{"room", 7}}), "CLAIM_MISSING room");
  EXPECT_EQ(read({{"room", "tea"}, {"exp", "@-3600"}}), "TOKEN_EXPIRED exp");
  EXPECT_EQ(read({{"room", "tea"}, {"exp", "@+999999"}}), "CLAIM_MISSING exp");
  EXPECT_EQ(read({{"room", "tea"}, {"aud", "other"}}), "AUDIENCE_MISMATCH aud");
  EXPECT_EQ(read({{"room", "tea"}, {"cnf", json::Object{{"jkt", "x"}}}}), "WRONG_TOKEN_TYPE cnf");
  EXPECT_EQ(read({{"room", "tea"}, {"iss", "https://unknown.test/"}}), "ISSUER_MISMATCH iss");
}

TEST_F(IssuerTokens, APublicKeyIsNoSecret) {
  for (const std::string& name : {std::string{"idp"}, std::string{"other"}}) {
    const jose::Key& real = keys_.at(name);
    for (std::string secret : {real.public_part().to_pem(), json::write(json::Value(real.public_jwk()))}) {
      for (int i = 0; i < 2; ++i) {
        keys_.insert_or_assign("forger", jose::Key::from_secret(secret).value());
        const auto seen = issuers_->verify(token({{"issuer", name}, {"signed_by", "forger"}}), kNow);
        ASSERT_FALSE(seen.has_value());
        EXPECT_EQ(seen.error().code(), "ALGORITHM_NOT_ALLOWED");
        if (secret.ends_with('\n')) secret.pop_back();
      }
    }
  }
}

TEST_F(IssuerTokens, KeysOfOneIssuerNeverVerifyTokensOfAnother) {
  // Both take EdDSA keys here, and the forger's key even has the other's kid.
  FixedEntropy entropy(99);
  const auto mine = jose::Key::generate(jose::Algorithm::eddsa, entropy);
  keys_.insert_or_assign("forger", mine.with_kid(keys_.at("idp").kid()));
  const auto seen = issuers_->verify(token({{"issuer", "idp"}, {"signed_by", "forger"}}), kNow);
  ASSERT_FALSE(seen.has_value());
  EXPECT_EQ(seen.error().code(), "SIGNATURE_INVALID");
}

TEST_F(IssuerTokens, ReferencesToKeysInATokenAreIgnored) {
  FixedEntropy entropy(98);
  const auto mine = jose::Key::generate(jose::Algorithm::eddsa, entropy);
  keys_.insert_or_assign("forger", mine);
  for (const char* header : {"jku", "x5u"}) {
    const auto seen = issuers_->verify(
        token({{"issuer", "idp"}, {"signed_by", "forger"}, {"header", {{header, "https://evil.test/keys"}}}}), kNow);
    ASSERT_FALSE(seen.has_value());
    EXPECT_EQ(seen.error().code(), "KEY_UNKNOWN") << header;
  }
  const auto seen = issuers_->verify(
      token({{"issuer", "idp"}, {"signed_by", "forger"}, {"header", {{"jwk", mine.public_jwk()}}}}), kNow);
  ASSERT_FALSE(seen.has_value());
  EXPECT_EQ(seen.error().code(), "KEY_UNKNOWN");
}

TEST_F(IssuerTokens, OwnTokensAreJudgedAsOwnAndClaimNoUserOfAnIssuer) {
  const auto key = jose::Key::from_secret("n0tTh3S4m3-Wq8zXc5vBn2mKj7hGf4dS").value();
  const auth::LocalVerifier own(
      jose::Verifier(jose::KeySet::of(key).value(), {.issuer = "foyer", .audience = "foyer", .token_types = {"JWT"}}),
      true, metrics_);
  std::vector<std::unique_ptr<auth::IssuerVerifier>> trusted;
  auth::TrustedIssuer shop;
  shop.name = "shop";
  shop.issuer = "https://shop.test/";
  shop.user_prefix = "shop|";
  trusted.push_back(std::make_unique<auth::IssuerVerifier>(auth::IssuerTerms{.issuer = shop}, jose::KeySet::none()));
  const auth::Issuers both(&own, "foyer", std::move(trusted), 8 * 1024, metrics_);
  keys_.insert_or_assign("own", key);
  const auto token_of = [&](const char* sub) {
    return token({{"issuer", "shop"}, {"signed_by", "own"},
        {"claims",
            {{"iss", "foyer"}, {"aud", "foyer"}, {"sub", sub}, {"iat", "@-1"}, {"jti", "j"}, {"client_id", "c"}}}});
  };
  const auto seen = both.verify(token_of("u_1"), kNow);
  ASSERT_TRUE(seen.has_value()) << seen.error().evidence;
  EXPECT_TRUE(seen->own_account);
  EXPECT_FALSE(seen->foreign);
  const auto claimed = both.verify(token_of("shop|7"), kNow);
  ASSERT_FALSE(claimed.has_value());
  EXPECT_EQ(claimed.error().field, "sub");
  const auto for_a_room = [&](const char* sub) {
    const auto read =
        both.verify_room(token({{"issuer", "shop"}, {"signed_by", "own"},
                             {"claims", {{"iss", "foyer"}, {"aud", "foyer"}, {"sub", sub}, {"room", "tea"}}}}),
            kNow);
    return read ? read->room : std::string(read.error().code()) + " " + read.error().field;
  };
  EXPECT_EQ(for_a_room("u_1"), "tea");
  EXPECT_EQ(for_a_room("shop|7"), "CLAIM_MISSING sub");
}

TEST(ForeignUserId, TwoSubjectsNeverShareAnIdAndNoneIsOurs) {
  using auth::foreign_user_id;
  EXPECT_EQ(foreign_user_id("a|", "x").view(), "a|x");
  for (const char* ours : {"u_1", "app:x", "system:", "~abc", "", "a b"})
    EXPECT_THAT(std::string(foreign_user_id("", ours).view()), testing::MatchesRegex("~[A-Za-z0-9_-]{43}")) << ours;
  EXPECT_EQ(foreign_user_id("a|", "u_1").view(), "a|u_1") << "the prefix keeps them apart";
  EXPECT_EQ(foreign_user_id("a|", std::string(126, 'x')).view().size(), 128U);
  EXPECT_EQ(foreign_user_id("a|", std::string(127, 'x')).view().size(), 2U + 44U);
  EXPECT_NE(foreign_user_id("a|", "ä"), foreign_user_id("a|", "a\xcc\x88")) << "not normalised";
}

} // namespace
} // namespace foyer::config

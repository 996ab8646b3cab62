// Verification as a whole: what an accepted token says, and which fault comes first.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "jose/testing/token_world.h"

namespace foyer::jose {
namespace {

using namespace testing;

TEST(Verifier, AcceptsATokenOfOursAndSaysWhoItIs) {
  for (const Key& key : {hs256_key(), ed25519_key()}) {
    const auto token = Signer::make(key)->access_token(claims());
    const auto accepted = verifier(key).verify(token, kNow);
    ASSERT_TRUE(accepted) << accepted.error().operator_text();
    EXPECT_EQ(accepted->identity.user, UserId{"alice"});
    EXPECT_EQ(accepted->identity.name, "Alice");
    EXPECT_EQ(accepted->identity.session, SessionId{"session-1"});
    EXPECT_EQ(accepted->identity.token, TokenId{"jti-1"});
    EXPECT_EQ(accepted->identity.permissions, (Permissions{.chat_read = true, .chat_write = true}));
    EXPECT_EQ(accepted->identity.issued_at, kNow - Millis{60'000});
    EXPECT_EQ(accepted->identity.expires_at, kNow + Millis{840'000});
    EXPECT_FALSE(accepted->identity.own_account);
    EXPECT_EQ(accepted->client_id, "foyer-web");
    EXPECT_FALSE(accepted->leeway_used);
    EXPECT_EQ(accepted->claims_json, write_claims(claims()));
    EXPECT_EQ(accepted->header_json, header_of(key, to_string(key.algorithm())));
  }
}

TEST(Verifier, TakesBothNamesOfEd25519) {
  const Key key = ed25519_key();
  for (const auto* alg : {"EdDSA", "Ed25519"})
    EXPECT_EQ(outcome(verifier(key), token_of(key, header_of(key, alg), write_claims(claims()))), "ok") << alg;
}

TEST(Verifier, TheTokenOfRfc7515AppendixA1Verifies) {
  const auto key = Key::parse_jwk(
      R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})");
  ASSERT_TRUE(key);
  const auto keys = *KeySet::of(*key);
  const auto jws = parse_compact(
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-"
      "mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
  ASSERT_TRUE(jws);
  EXPECT_TRUE(verify_signature(*jws, *keys));
}

TEST(Verifier, TheTokenOfRfc8037AppendixAVerifies) {
  const auto key = Key::parse_jwk(
      R"({"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  const std::string token =
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-"
      "09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
  EXPECT_EQ(token_of(*key, R"({"alg":"EdDSA"})", "Example of Ed25519 signing"), token);
  const auto jws = parse_compact(token);
  ASSERT_TRUE(jws);
  EXPECT_TRUE(verify_signature(*jws, **KeySet::of(*key)));
}

TEST(Verifier, NamesTheKeyThatIsMissing) {
  const Key first = ed25519_key(1);
  const Key second = ed25519_key(2);
  const Verifier both{*KeySet::of({first.public_part(), second.public_part()}), policy()};
  EXPECT_EQ(outcome(both, signed_claims(first, write_claims(claims()))), "ok");
  EXPECT_EQ(outcome(both, signed_claims(second, write_claims(claims()))), "ok");
  EXPECT_EQ(outcome(both, signed_claims(ed25519_key(3), write_claims(claims()))), "KEY_UNKNOWN");
  const auto nameless = token_of(first, R"({"alg":"EdDSA","typ":"at+jwt"})", write_claims(claims()));
  EXPECT_EQ(outcome(both, nameless), "KEY_UNKNOWN");
  EXPECT_EQ(outcome(verifier(first), nameless), "ok");
  EXPECT_EQ(outcome(verifier(second), nameless), "SIGNATURE_INVALID");
}

TEST(Verifier, EveryRequiredClaimIsMissedByName) {
  const Key key = hs256_key();
  for (const auto* name : {"iss", "aud", "sub", "exp", "iat", "jti", "client_id"})
    EXPECT_EQ(fault(verifier(key), signed_claims(key, claims_with(name, ""))), "CLAIM_MISSING " + std::string{name});
  for (const auto* name : {"nbf", "sid", "name", "scope", "env"})
    EXPECT_EQ(fault(verifier(key), signed_claims(key, claims_with(name, ""))), "ok") << name;
  for (const auto* name : {"iss", "aud", "sub", "jti", "client_id", "sid", "name", "scope", "env"})
    EXPECT_EQ(fault(verifier(key), signed_claims(key, claims_with(name, "7"))), "CLAIM_MISSING " + std::string{name});
  EXPECT_EQ(fault(verifier(key), signed_claims(key, claims_with("aud", R"(["foyer",7])"))), "CLAIM_MISSING aud");
  EXPECT_EQ(fault(verifier(key), signed_claims(key, claims_with("aud", R"([])"))), "AUDIENCE_MISMATCH aud");
  EXPECT_EQ(fault(verifier(key), signed_claims(key, claims_with("aud", R"(["other","foyer"])"))), "ok");
}

TEST(Verifier, ASubjectHas1To128OfItsCharacters) {
  const Key key = hs256_key();
  const auto with = [&](const std::string& sub) {
    return fault(verifier(key), signed_claims(key, claims_with("sub", "\"" + sub + "\"")));
  };
  for (const std::string& good :
      {std::string{"a"}, std::string{"auth0|5f7"}, std::string{"a.b_c:d@e-F9"}, std::string(128, 'x')})
    EXPECT_EQ(with(good), "ok") << good;
  for (const std::string& bad : {std::string{""}, std::string(129, 'x'), std::string{"a b"}, std::string{"a/b"},
           std::string{"\\u0000"}, std::string{"älice"}})
    EXPECT_EQ(with(bad), "CLAIM_MISSING sub") << bad;
}

TEST(Verifier, ANameThatCannotBeShownIsTheUsersId) {
  const Key key = hs256_key();
  for (const std::string& name : {std::string{R"("a\nb")"}, std::string{R"("")"}, '"' + std::string(257, 'n') + '"'}) {
    const auto accepted = verifier(key).verify(signed_claims(key, claims_with("name", name)), kNow);
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->identity.name, "alice");
  }
}

TEST(Verifier, LeewayHoldsOnBothSidesAndItsUseIsReported) {
  const Key key = hs256_key();
  const auto check = verifier(key);
  const auto token = signed_claims(key, write_claims(claims()));
  const auto end = claims().expires_at;
  const auto begin = claims().issued_at;
  const Millis ms{1};
  EXPECT_FALSE(check.verify(token, end - ms)->leeway_used);
  EXPECT_TRUE(check.verify(token, end)->leeway_used);
  EXPECT_TRUE(check.verify(token, end + Millis{30'000} - ms)->leeway_used);
  EXPECT_EQ(outcome(check, token, end + Millis{30'000}), "TOKEN_EXPIRED");
  EXPECT_TRUE(check.verify(token, begin - Millis{30'000})->leeway_used);
  const auto early = check.verify(token, begin - Millis{30'001});
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().cause, Cause::TOKEN_NOT_YET_VALID);
  EXPECT_EQ(early.error().retry_after, Millis{1});
  EXPECT_EQ(fault(check, signed_claims(key, claims_with("nbf", "1800000030"))), "ok");
  EXPECT_EQ(fault(check, signed_claims(key, claims_with("nbf", "1800000031"))), "TOKEN_NOT_YET_VALID nbf");
}

TEST(Verifier, TheEnvironmentMustMatchAndMayBeRequired) {
  const Key key = hs256_key();
  auto strict = policy();
  strict.require_environment_claim = true;
  const Verifier requires_it{*KeySet::of(key), strict};
  EXPECT_EQ(fault(requires_it, signed_claims(key, claims_with("env", ""))), "CLAIM_MISSING env");
  EXPECT_EQ(fault(requires_it, signed_claims(key, claims_with("env", R"("test")"))), "ok");
  EXPECT_EQ(
      fault(verifier(key), signed_claims(key, claims_with("env", R"("production")"))), "ENVIRONMENT_MISMATCH env");
}

TEST(Verifier, OnlyTokensWithASessionAreOfOwnAccounts) {
  const Key key = hs256_key();
  auto own = policy();
  own.own_accounts = true;
  const Verifier ours{*KeySet::of(key), own};
  EXPECT_TRUE(ours.verify(signed_claims(key, write_claims(claims())), kNow)->identity.own_account);
  EXPECT_FALSE(ours.verify(signed_claims(key, claims_with("sid", "")), kNow)->identity.own_account);
}

// A token with all the faults behind a place still gets the cause of that place.
TEST(Verifier, TheFirstFaultInOrderIsTheCause) {
  const Key key = hs256_key();
  const Key other = *Key::from_secret("another secret that has its 32 bytes");
  const Verifier check = verifier(key);
  const std::string not_json = "no claims";
  std::string bad =
      R"({"iss":"x","aud":"y","sub":"alice","exp":1,"iat":1900000000,"jti":"j","client_id":"c","env":"z"})";
  const auto header = [&](std::string_view alg, std::string_view kid, std::string_view typ) {
    return R"({"alg":")" + std::string{alg} + R"(","kid":")" + std::string{kid} + R"(","typ":")" + std::string{typ} +
        R"("})";
  };
  EXPECT_EQ(outcome(check, token_of(other, header("none", "?", "x"), not_json)), "INVALID_FORMAT");
  EXPECT_EQ(outcome(check, token_of(other, header("none", "?", "x"), bad)), "ALGORITHM_NOT_ALLOWED");
  EXPECT_EQ(outcome(check, token_of(other, header("HS256", "?", "x"), bad)), "KEY_UNKNOWN");
  EXPECT_EQ(outcome(check, token_of(other, header("HS256", key.kid(), "x"), bad)), "SIGNATURE_INVALID");
  EXPECT_EQ(outcome(check, token_of(key, header("HS256", key.kid(), "x"), R"({"exp":1})")), "WRONG_TOKEN_TYPE");
  EXPECT_EQ(outcome(check, token_of(key, header("HS256", key.kid(), "at+jwt"), R"({"exp":1})")), "CLAIM_MISSING");
  EXPECT_EQ(outcome(check, token_of(key, header("HS256", key.kid(), "at+jwt"), bad)), "TOKEN_EXPIRED");
  bad.replace(bad.find("\"exp\":1"), 7, "\"exp\":1950000000");
  EXPECT_EQ(outcome(check, signed_claims(key, bad)), "TOKEN_NOT_YET_VALID");
  bad.replace(bad.find("1900000000"), 10, "1700000000");
  EXPECT_EQ(outcome(check, signed_claims(key, bad)), "ISSUER_MISMATCH");
  bad.replace(bad.find("\"iss\":\"x\""), 9, R"("iss":"https://chat.example")");
  EXPECT_EQ(outcome(check, signed_claims(key, bad)), "AUDIENCE_MISMATCH");
  bad.replace(bad.find("\"aud\":\"y\""), 9, R"("aud":"foyer")");
  EXPECT_EQ(outcome(check, signed_claims(key, bad)), "ENVIRONMENT_MISMATCH");
}

TEST(Verifier, ATokenForARoomIsNoneForAConnectionAndTheOtherWayRound) {
  const Key key = hs256_key();
  const Verifier verifier = testing::verifier(key);
  const auto as_room = [&](std::string_view typ, std::string_view claims) {
    const auto read = verifier.verify(sign_compact(key, typ, claims), kNow, TokenUse::room);
    return read ? read->room : std::string{read.error().code()} + " " + read.error().field;
  };
  EXPECT_EQ(as_room("at+jwt", write_claims(claims())), "WRONG_TOKEN_TYPE typ");
  EXPECT_EQ(as_room("room+jwt", write_claims(claims())), "CLAIM_MISSING room");
  EXPECT_EQ(as_room("application/Room+JWT", claims_with("room", R"("tea")")), "tea");
  EXPECT_EQ(as_room("JWT", claims_with("room", R"("tea")")), "tea");
  EXPECT_EQ(as_room("JWT", claims_with("channel", R"("tea")")), "tea");
  EXPECT_EQ(as_room("JWT", claims_with("room", R"("")")), "CLAIM_MISSING room");
  EXPECT_EQ(as_room("JWT", claims_with("room", R"(["tea"])")), "CLAIM_MISSING room");
  EXPECT_EQ(as_room("JWT", claims_with("room", "\"" + std::string(300, 'x') + "\"")), "CLAIM_MISSING room");
  for (const char* name : {"room", "channel"})
    EXPECT_EQ(
        fault(verifier, signed_claims(key, claims_with(name, R"("tea")"))), "WRONG_TOKEN_TYPE " + std::string{name});
  EXPECT_EQ(fault(verifier, sign_compact(key, "room+jwt", write_claims(claims()))), "WRONG_TOKEN_TYPE typ");
  // The shortest that may be sent with a join.
  EXPECT_EQ(
      as_room("JWT", R"({"iss":"https://chat.example","aud":"foyer","sub":"alice","exp":1800000060,"room":"tea"})"),
      "tea");
  EXPECT_EQ(as_room("JWT", R"({"iss":"https://chat.example","aud":"foyer","sub":"alice","room":"tea"})"),
      "CLAIM_MISSING exp");
}

TEST(Verifier, ATokenMayNameAHundredRooms) {
  const Key key = hs256_key();
  const Verifier verifier = testing::verifier(key);
  const auto with = [&](const std::string& rooms) { return signed_claims(key, claims_with("rooms", rooms)); };
  const auto list = [](int count) {
    std::string out = "[";
    for (int i = 0; i < count; ++i) out += (i == 0 ? "\"r" : ",\"r") + std::to_string(i) + "\"";
    return out + "]";
  };
  EXPECT_EQ(verifier.verify(with(list(0)), kNow)->identity.rooms.size(), 0U);
  EXPECT_EQ(verifier.verify(with(list(100)), kNow)->identity.rooms.back(), "r99");
  for (const std::string& rooms : {list(101), std::string{R"("tea")"}, std::string{R"(["tea",7])"}, std::string{"{}"}})
    EXPECT_EQ(fault(verifier, with(rooms)), "CLAIM_MISSING rooms") << rooms;
}

TEST(Verifier, ClaimsHaveABoundedDepth) {
  const Key key = hs256_key();
  const auto nested = [&](std::size_t depth) {
    return outcome(
        verifier(key), signed_claims(key, claims_with("x", std::string(depth, '[') + std::string(depth, ']'))));
  };
  EXPECT_EQ(nested(10), "ok");
  EXPECT_EQ(nested(20), "INVALID_FORMAT");
  EXPECT_EQ(nested(2000), "INVALID_FORMAT");
}

TEST(Verifier, NoTextOfATokenIsInARefusal) {
  const Key key = hs256_key();
  const auto token = signed_claims(*Key::from_secret("another secret that has its 32 bytes"), write_claims(claims()));
  for (const auto& bad : {token, token + ".", token + "\n", token.substr(1)}) {
    const auto refused = verifier(key).verify(bad, kNow);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().operator_text().find(token.substr(token.size() - 12)), std::string::npos);
    EXPECT_EQ(refused.error().operator_text().find("Alice"), std::string::npos);
  }
}

TEST(Verifier, EveryBitOfATokenCounts) {
  for (const Key& key : {hs256_key(), ed25519_key()}) {
    const auto check = verifier(key);
    const auto token = signed_claims(key, write_claims(claims()));
    for (std::size_t i = 0; i < token.size(); i += 3) {
      auto changed = token;
      changed[i] = changed[i] == 'A' ? 'B' : 'A';
      EXPECT_NE(outcome(check, changed), "ok") << i;
    }
  }
}

TEST(Verifier, ManyThreadsAndMoreKeysThanAThreadKeeps) {
  std::vector<Key> keys;
  for (int i = 0; i < 20; ++i)
    keys.push_back(*Key::from_secret("a secret with its number, 32 bytes and more " + std::to_string(i)));
  std::vector<std::string> tokens;
  for (const auto& key : keys) tokens.push_back(signed_claims(key, write_claims(claims())));
  const Verifier all{*KeySet::of(keys), policy()};
  std::vector<int> accepted(4);
  {
    std::vector<std::jthread> threads;
    for (auto& count : accepted)
      threads.emplace_back([&] {
        for (int round = 0; round < 10; ++round)
          for (const auto& token : tokens) count += outcome(all, token) == "ok" ? 1 : 0;
      });
  }
  for (const int count : accepted) EXPECT_EQ(count, 200);
}

} // namespace
} // namespace foyer::jose

// The second factor: RFC vectors, and use over HTTP.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "accounts/factor/second_factor.h"
#include "accounts/factor/totp.h"
#include "accounts/testing/accounts_world.h"

namespace foyer::accounts {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::StartsWith;
using testing_world::Answer;
using testing_world::Ask;
using testing_world::World;

constexpr std::string_view kRfcSecret = "12345678901234567890";

TEST(Hotp, TheCodesOfRfc4226AppendixD) {
  std::vector<std::string> codes;
  for (std::int64_t counter = 0; counter < 10; ++counter) codes.push_back(hotp(kRfcSecret, counter));
  EXPECT_THAT(codes,
      ElementsAre("755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"));
}

TEST(Totp, TheCodesOfRfc6238AppendixB) {
  std::vector<std::string> codes;
  for (const std::int64_t at : {59LL, 1111111109LL, 1111111111LL, 1234567890LL, 2000000000LL, 20000000000LL})
    codes.push_back(hotp(kRfcSecret, totp_step(from_unix_seconds(at)), 8));
  EXPECT_THAT(codes, ElementsAre("94287082", "07081804", "14050471", "89005924", "69279037", "65353130"));
}

TEST(Totp, ACodeIsTakenOneStepEitherWayAndNoFurther) {
  const WallTime now = from_unix_seconds(1'700'000'010); // the first second of a step
  const std::int64_t step = totp_step(now);
  EXPECT_EQ(match_totp(kRfcSecret, hotp(kRfcSecret, step), now), step);
  EXPECT_EQ(match_totp(kRfcSecret, hotp(kRfcSecret, step - 1), now), step - 1);
  EXPECT_EQ(match_totp(kRfcSecret, hotp(kRfcSecret, step + 1), now), step + 1);
  EXPECT_EQ(match_totp(kRfcSecret, hotp(kRfcSecret, step - 2), now), std::nullopt);
  EXPECT_EQ(match_totp(kRfcSecret, hotp(kRfcSecret, step + 2), now), std::nullopt);
  EXPECT_EQ(match_totp(kRfcSecret, "", now), std::nullopt);
}

TEST(Totp, SecretsAreWrittenAsAuthenticatorsReadThem) {
  EXPECT_EQ(base32_encode(""), "");
  EXPECT_EQ(base32_encode("f"), "MY");
  EXPECT_EQ(base32_encode("fo"), "MZXQ");
  EXPECT_EQ(base32_encode("foobar"), "MZXW6YTBOI"); // RFC 4648 §10
  EXPECT_EQ(totp_uri("chat.example:8000", "Zoë", kRfcSecret),
      "otpauth://totp/"
      "chat.example%3A8000:Zo%C3%AB?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=chat.example%3A8000&algorithm=SHA1&"
      "digits=6&period=30");
}

TEST(TypedFactor, SpacesHyphensAndCaseDoNotMatter) {
  EXPECT_EQ(read_factor(" 123 456").code, "123456");
  EXPECT_EQ(read_factor("123456").kind, FactorKind::totp);
  EXPECT_EQ(read_factor("ABCD-efgh 2345-mnop").code, "abcdefgh2345mnop");
  EXPECT_EQ(read_factor("ABCD-efgh 2345-mnop").kind, FactorKind::recovery);
  for (const auto* wrong : {"", "12345", "1234567", "12345a", "abcd-efgh-ijkl-mno1", "abcd-efgh-ijkl"})
    EXPECT_EQ(read_factor(wrong).kind, FactorKind::neither) << wrong;
  EXPECT_EQ(read_factor(std::string(70, ' ') + "123456").kind, FactorKind::neither);
}

// Alice with her authenticator.
struct Alice {
  World w;
  std::string bearer = w.register_user("alice").text("access_token");
  std::string secret; // raw
  std::vector<std::string> recovery;

  Answer post(std::string_view path, std::string body) { return w.post(path, std::move(body), {.bearer = bearer}); }
  Answer begin() {
    Answer a = post("/auth/totp", R"({"password":"a quiet place"})");
    if (a.status == 201) secret = decode(a.text("secret"));
    return a;
  }
  Answer confirm(const std::string& code) {
    Answer a = post("/auth/totp/confirm", R"({"totp":")" + code + R"("})");
    if (a.status == 200) keep(a);
    return a;
  }
  void keep(const Answer& a) {
    recovery.clear();
    for (const auto& one : a.json.at("recovery_codes").as_array()) recovery.emplace_back(one.as_string());
  }
  [[nodiscard]] std::string code() const { return hotp(secret, totp_step(w.clock.wall())); }
  void turn_on() {
    ASSERT_EQ(begin().status, 201);
    ASSERT_EQ(confirm(code()).status, 200);
    w.advance(minutes{1});
  }
  Answer login(
      const std::string& totp, const std::string& password = "a quiet place", std::string address = "10.0.0.1") {
    std::string body = R"({"name":"alice","password":")" + password + '"';
    if (!totp.empty()) body += R"(,"totp":")" + totp + '"';
    return w.post("/auth/login", body + "}", {.address = std::move(address)});
  }
  Answer me() { return w.call("GET", "/auth/me", {.bearer = bearer}); }

  static std::string decode(std::string_view base32) {
    std::string out;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : base32) {
      bits = bits << 5 | static_cast<std::uint32_t>(c >= 'A' ? c - 'A' : c - '2' + 26);
      if ((count += 5) >= 8) out += static_cast<char>(bits >> (count -= 8) & 0xff);
    }
    return out;
  }
};

TEST(SecondFactor, IsOnOnceItsFirstCodeCame) {
  Alice alice;
  EXPECT_EQ(alice.me().json.at("second_factor"), false);
  EXPECT_EQ(json::get_int(alice.me().json, "recovery_codes_left"), 0);
  const Answer begun = alice.begin();
  EXPECT_EQ(begun.status, 201) << begun.body;
  EXPECT_EQ(begun.text("secret").size(), 32u);
  EXPECT_THAT(begun.text("uri"), StartsWith("otpauth://totp/chat.example:alice?secret=" + begun.text("secret")));
  EXPECT_EQ(json::get_int(begun.json, "expires_in"), 600);
  EXPECT_EQ(begun.header("Cache-Control"), "no-store");
  EXPECT_EQ(alice.login("").status, 200); // a pending factor is not required
  const Answer on = alice.confirm(alice.code());
  EXPECT_EQ(on.status, 200) << on.body;
  EXPECT_EQ(std::set<std::string>(alice.recovery.begin(), alice.recovery.end()).size(), 10u);
  EXPECT_EQ(alice.me().json.at("second_factor"), true);
  EXPECT_EQ(json::get_int(alice.me().json, "recovery_codes_left"), 10);
  EXPECT_THAT(alice.w.audited(4), ElementsAre("totp_confirm OK", "login OK", "totp_begin OK", "register OK"));
}

TEST(SecondFactor, IsKeptSealed) {
  Alice alice;
  alice.turn_on();
  const auto who = alice.me().text("id");
  const auto row = alice.w.wait<std::optional<SecondFactorRow>>(
      [&](auto done) { alice.w.store->find_second_factor(UserId{who}, std::move(done)); });
  ASSERT_TRUE(row && *row);
  EXPECT_EQ((*row)->sealed_secret.find(alice.secret), std::string::npos);
  EXPECT_EQ(alice.w.seal.open((*row)->sealed_secret, "totp:" + who), alice.secret);
  EXPECT_FALSE(alice.w.seal.open((*row)->sealed_secret, "totp:u_other"));
}

TEST(SecondFactor, NeedsThePasswordToBegin) {
  Alice alice;
  const Answer wrong = alice.post("/auth/totp", R"({"password":"another place"})");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(wrong.code(), "CREDENTIALS_REJECTED");
  EXPECT_EQ(wrong.field(), "password");
  EXPECT_EQ(alice.w.call("POST", "/auth/totp", {.body = R"({"password":"a quiet place"})"}).code(), "NO_TOKEN");
}

TEST(SecondFactor, IsNotConfirmedByAWrongCodeNorTooLate) {
  Alice alice;
  EXPECT_EQ(alice.confirm("123456").code(), "NOT_FOUND");
  alice.begin();
  EXPECT_EQ(alice.confirm(alice.code() == "123456" ? "654321" : "123456").code(), "TOTP_REJECTED");
  alice.w.advance(minutes{10});
  EXPECT_EQ(alice.confirm(alice.code()).code(), "NOT_FOUND");
  EXPECT_EQ(alice.me().json.at("second_factor"), false);
}

TEST(SecondFactor, IsNotReplacedInPassing) {
  Alice alice;
  alice.turn_on();
  const Answer again = alice.begin();
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.code(), "TOTP_ALREADY_ON");
  EXPECT_EQ(alice.confirm(alice.code()).code(), "TOTP_ALREADY_ON");
  EXPECT_EQ(alice.login(alice.code()).status, 200);
}

TEST(SecondFactor, IsAskedForOnlyAfterTheRightPassword) {
  Alice alice;
  alice.turn_on();
  const Answer wrong = alice.login("", "another place");
  EXPECT_EQ(wrong.code(), "CREDENTIALS_REJECTED");
  EXPECT_EQ(alice.login(alice.code(), "another place").code(), "CREDENTIALS_REJECTED");
  const Answer unknown = alice.w.post("/auth/login", R"({"name":"nobody","password":"a quiet place","totp":"123456"})");
  EXPECT_EQ(unknown.code(), "CREDENTIALS_REJECTED");
  EXPECT_EQ(unknown.text("detail"), wrong.text("detail"));
  const Answer asked = alice.login("");
  EXPECT_EQ(asked.status, 401);
  EXPECT_EQ(asked.code(), "TOTP_REQUIRED");
  EXPECT_EQ(asked.field(), "totp");
  EXPECT_FALSE(asked.header("WWW-Authenticate").empty());
  EXPECT_EQ(alice.login(alice.code()).status, 200);
}

TEST(SecondFactor, ACodeIsTakenOnce) {
  Alice alice;
  alice.turn_on();
  const std::string code = alice.code();
  EXPECT_EQ(alice.login(code).status, 200);
  const Answer again = alice.login(code);
  EXPECT_EQ(again.status, 401);
  EXPECT_EQ(again.code(), "TOTP_REJECTED");
  alice.w.advance(seconds{30});
  EXPECT_EQ(alice.login(code).code(), "TOTP_REJECTED"); // still within the window, but used
  EXPECT_EQ(alice.login(alice.code()).status, 200);
}

TEST(SecondFactor, OfTwoAtTheSameMomentOneTakesTheCode) {
  Alice alice;
  alice.turn_on();
  std::vector<int> statuses;
  for (int i = 0; i < 2; ++i)
    alice.w.send("POST", "/auth/login",
        {.body = R"({"name":"alice","password":"a quiet place","totp":")" + alice.code() + R"("})"},
        [&](Answer a) { statuses.push_back(a.status); });
  alice.w.turns.run_posted();
  EXPECT_THAT(statuses, testing::UnorderedElementsAre(200, 401));
}

TEST(SecondFactor, TheCodeThatConfirmedItOpensNoSession) {
  Alice alice;
  alice.begin();
  const std::string code = alice.code();
  ASSERT_EQ(alice.confirm(code).status, 200);
  EXPECT_EQ(alice.login(code).code(), "TOTP_REJECTED");
}

TEST(SecondFactor, ARecoveryCodeStandsForItOnce) {
  Alice alice;
  alice.turn_on();
  std::string shouted = alice.recovery[3];
  std::ranges::transform(
      shouted, shouted.begin(), [](char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); });
  EXPECT_EQ(alice.login(shouted).status, 200);
  EXPECT_EQ(json::get_int(alice.me().json, "recovery_codes_left"), 9);
  EXPECT_EQ(alice.login(alice.recovery[3]).code(), "TOTP_REJECTED");
  EXPECT_EQ(alice.login(alice.recovery[4]).status, 200);
  EXPECT_THAT(alice.w.audited(5), testing::IsSupersetOf({"recovery_code OK", "login OK", "login TOTP_REJECTED"}));
}

TEST(SecondFactor, NewRecoveryCodesReplaceTheOldOnes) {
  Alice alice;
  alice.turn_on();
  const std::string old = alice.recovery[0];
  EXPECT_EQ(alice.post("/auth/totp/recovery", R"({"totp":")" + old + R"("})").code(),
      "TOTP_REJECTED"); // only the authenticator can renew them
  const Answer renewed = alice.post("/auth/totp/recovery", R"({"totp":")" + alice.code() + R"("})");
  ASSERT_EQ(renewed.status, 200) << renewed.body;
  alice.keep(renewed);
  EXPECT_EQ(alice.login(old).code(), "TOTP_REJECTED");
  EXPECT_EQ(alice.login(alice.recovery[0]).status, 200);
  EXPECT_EQ(alice.login(hotp(alice.secret, totp_step(alice.w.clock.wall()))).code(),
      "TOTP_REJECTED"); // the code that renewed them
}

TEST(SecondFactor, IsTurnedOffWithACodeOfItOrARecoveryCode) {
  Alice alice;
  alice.turn_on();
  const auto off = [&](const std::string& code) {
    return alice.w.call("DELETE", "/auth/totp", {.body = R"({"totp":")" + code + R"("})", .bearer = alice.bearer});
  };
  EXPECT_EQ(off("000000").code(), "TOTP_REJECTED");
  EXPECT_EQ(off(alice.code()).status, 204);
  EXPECT_EQ(alice.login("").status, 200);
  EXPECT_EQ(off(alice.code()).code(), "NOT_FOUND");
  alice.turn_on();
  EXPECT_EQ(off(alice.recovery[9]).status, 204);
  EXPECT_EQ(alice.me().json.at("second_factor"), false);
  EXPECT_THAT(alice.w.audited(1), ElementsAre("totp_remove OK"));
}

TEST(SecondFactor, WrongCodesLockLikeWrongPasswords) {
  Alice alice;
  alice.turn_on();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(alice.login("000000").code(), "TOTP_REJECTED");
    EXPECT_EQ(alice.login("").code(),
        i < 4 ? "TOTP_REQUIRED" : "LOGIN_LOCKED"); // a correct password alone resets no failures
  }
  const Answer locked = alice.login(alice.code());
  EXPECT_EQ(locked.status, 429);
  EXPECT_EQ(locked.code(), "LOGIN_LOCKED");
  EXPECT_EQ(locked.header("Retry-After"), "60");
  EXPECT_EQ(alice.login(alice.code(), "a quiet place", "10.0.0.2").status, 200); // another address
  alice.w.advance(minutes{1});
  EXPECT_EQ(alice.login(alice.code()).status, 200); // an expired lock has no effect
}

TEST(SecondFactor, GuessesFromManyAddressesTogetherHaveABound) {
  Alice alice;
  alice.turn_on();
  int tried = 0;
  for (int address = 1; address <= 30; ++address)
    if (alice.login("000000", "a quiet place", "10.0.1." + std::to_string(address)).code() == "TOTP_REJECTED") ++tried;
  EXPECT_EQ(tried, 20);
  alice.w.advance(minutes{1});
  EXPECT_EQ(alice.login(alice.code()).status, 200);
}

TEST(SecondFactor, AStoreSealedWithAnotherKeyIsDistinguishedFromAWrongCode) {
  Alice alice;
  alice.turn_on();
  const UserId who{alice.me().text("id")};
  auto row = **alice.w.wait<std::optional<SecondFactorRow>>(
      [&](auto done) { alice.w.store->find_second_factor(who, std::move(done)); });
  row.sealed_secret = store::SealKey::from_secret("some other key of some other installation")
                          .value()
                          .seal(alice.secret, "totp:" + who.str(), alice.w.entropy);
  ASSERT_TRUE(alice.w.wait<bool>(
      [&](auto done) { alice.w.store->put_second_factor(row, {.at = alice.w.clock.wall()}, std::move(done)); }));
  EXPECT_EQ(alice.login(alice.code()).code(), "STORE_KEY_MISMATCH");
}

} // namespace
} // namespace foyer::accounts

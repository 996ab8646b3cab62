// Rotation of the signing key: which key signs when, which are published, and that no token is ever rejected.
#include <gmock/gmock.h>

#include <deque>
#include <set>

#include "accounts/testing/accounts_world.h"
#include "base/bytes.h"
#include "jose/jws.h"

namespace foyer::accounts {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing_world::test_policy;
using testing_world::World;

constexpr KeyRotationPolicy kPolicy{};
const WallTime kStart{Millis{1'700'000'000'000}};

SigningKeyRow row(std::string kid, Millis active_from) {
  return {
      .kid = std::move(kid), .sealed_jwk = {}, .created = kStart, .active_from = kStart + active_from, .retired = {}};
}

std::vector<std::string> states(const std::vector<SigningKeyRow>& rows, Millis now) {
  std::vector<std::string> out;
  for (const auto& key : key_times("configured", rows, kStart + now, kPolicy))
    out.push_back(key.kid + ' ' + std::string{to_string(key.state)});
  return out;
}

TEST(KeyTimes, AConfiguredKeyAloneSignsForEver) {
  EXPECT_THAT(states({}, minutes{1'000'000}), ElementsAre("configured signing"));
}

TEST(KeyTimes, AKeyIsPublishedThenSignsThenIsKeptUntilItsLastTokenIsOver) {
  const std::vector<SigningKeyRow> rows{row("b", minutes{60}), row("a", minutes{5})};
  EXPECT_THAT(states(rows, minutes{5} - Millis{1}), ElementsAre("configured signing", "a ahead", "b ahead"));
  EXPECT_THAT(states(rows, minutes{5}), ElementsAre("configured retired", "a signing", "b ahead"));
  const Millis kept = minutes{15} + seconds{30} + minutes{1};
  EXPECT_THAT(states(rows, minutes{5} + kept - Millis{1}), ElementsAre("configured retired", "a signing", "b ahead"));
  EXPECT_THAT(states(rows, minutes{5} + kept), ElementsAre("configured over", "a signing", "b ahead"));
  EXPECT_THAT(states(rows, minutes{60}), ElementsAre("configured over", "a retired", "b signing"));
  EXPECT_THAT(states(rows, minutes{60} + kept), ElementsAre("configured over", "a over", "b signing"));
}

TEST(KeyTimes, WhenAKeyThatWasToFollowIsRemovedTheOneBeforeItGoesOn) {
  auto first = row("a", minutes{0});
  first.retired = kStart + minutes{5}; // written when its successor was made, which was removed since
  EXPECT_THAT(states({first}, minutes{500}), ElementsAre("configured over", "a signing"));
}

TEST(KeyTimes, WithoutAnyRowBetweenTheConfiguredKeyRetiresWithTheLastOfThem) {
  EXPECT_THAT(states({row("b", minutes{60})}, minutes{61}), ElementsAre("configured retired", "b signing"));
}

// Another process: fetches the key set every minute and caches an answer as long as allowed.
class Gateway {
 public:
  Gateway(World& world, Millis phase) : world_(world), next_(world.clock.wall() + phase) { fetch(); }
  void turn() {
    if (world_.clock.wall() < next_) return;
    next_ += minutes{1};
    // The oldest answer that a cache may still hold: the previous one.
    verifier_.emplace(stale_, verifier_policy());
    fetch();
  }
  [[nodiscard]] Result<jose::Claims> verify(const std::string& token) const {
    return verifier_->verify(token, world_.clock.wall());
  }

 private:
  void fetch() {
    const auto answer = world_.call("GET", "/.well-known/jwks.json");
    stale_ = jose::KeySet::parse(answer.body).value();
    if (!verifier_) verifier_.emplace(stale_, verifier_policy());
  }
  static jose::VerifierPolicy verifier_policy() {
    return {.issuer = "https://chat.example", .audience = "foyer", .environment = "test", .leeway = Millis{0}};
  }

  World& world_;
  WallTime next_;
  std::shared_ptr<const jose::KeySet> stale_;
  std::optional<jose::Verifier> verifier_;
};

Result<KeyTimes> rotate(World& w, Millis publish_for = minutes{5}) {
  return w.wait<KeyTimes>([&](auto done) {
    w.keys->rotate(publish_for, {.at = w.clock.wall(), .action = "key_rotate", .outcome = "OK"}, std::move(done));
  });
}

std::vector<std::string> published(World& w) {
  std::vector<std::string> out;
  for (const auto& key : w.keys->key_set()->keys()) out.push_back(key.kid());
  return out;
}

TEST(Rotation, UnderLoadNoTokenIsRejectedByVerifiersThatRefetchAtDifferentTimes) {
  World w;
  const auto session = w.register_user("alice").text("refresh_token");
  std::string refresh = session;
  Gateway one(w, seconds{7});
  Gateway other(w, seconds{41});
  struct Issued {
    std::string token;
    WallTime until;
  };
  std::deque<Issued> alive;
  std::set<std::string> kids;
  int rejected = 0;
  int verified = 0;
  const auto verify = [&](const std::string& token) {
    for (const Gateway* gateway : {&one, &other}) {
      ++verified;
      if (const auto claims = gateway->verify(token); !claims)
        ++rejected, ADD_FAILURE() << claims.error().code() << ' ' << rfc3339(w.clock.wall()) << claims.error().evidence;
    }
    if (w.call("GET", "/auth/me", {.bearer = token}).status != 200) ++rejected;
  };
  for (int second = 0; second < 90 * 60 && rejected == 0; second += 20) {
    if (second == 10 * 60 || second == 40 * 60 || second == 43 * 60) {
      ASSERT_TRUE(rotate(w));
    }
    const auto in = w.refresh(refresh);
    ASSERT_EQ(in.status, 200) << in.body;
    refresh = in.text("refresh_token");
    kids.insert(w.keys->signing_kid());
    alive.push_back({in.text("access_token"), from_unix_seconds(unix_seconds(w.clock.wall() + minutes{15}))});
    while (alive.front().until <= w.clock.wall()) alive.pop_front();
    verify(alive.front().token); // seconds before its exp
    verify(alive[alive.size() / 2].token);
    verify(alive.back().token); // just made
    w.advance(seconds{20});
    w.tick();
    one.turn();
    other.turn();
  }
  EXPECT_EQ(rejected, 0);
  EXPECT_GT(verified, 1'500);
  EXPECT_EQ(kids.size(), 4u); // the configured one and three more have signed
  EXPECT_THAT(published(w), ElementsAre(w.keys->signing_kid()));
  const auto rows = w.wait<std::vector<SigningKeyRow>>([&](auto done) { w.store->list_signing_keys(std::move(done)); });
  EXPECT_EQ(rows->size(), 1u); // expired keys were removed from the store
}

TEST(Rotation, ANewKeyIsPublishedFiveMinutesBeforeItSigns) {
  World w;
  const std::string old = w.keys->signing_kid();
  const auto made = rotate(w);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->state, KeyState::ahead);
  EXPECT_EQ(made->active_from, w.clock.wall() + minutes{5});
  EXPECT_THAT(published(w), ElementsAre(old, made->kid));
  EXPECT_EQ(w.keys->signing_kid(), old);
  const auto answer = w.call("GET", "/.well-known/jwks.json");
  EXPECT_EQ(answer.header("Cache-Control"), "public, max-age=60");
  EXPECT_EQ(answer.json.at("keys").as_array().size(), 2u);
  EXPECT_EQ(answer.body.find("\"d\""), std::string::npos);
  w.advance(minutes{5});
  EXPECT_EQ(w.keys->signing_kid(), made->kid); // by the clock only
  EXPECT_THAT(w.audited(1), ElementsAre("key_rotate OK"));
}

TEST(Rotation, ATokenOfTheOldKeyIsGoodUntilItExpires) {
  World w;
  w.advance(Millis{999});
  const auto in = w.register_user("alice");
  ASSERT_TRUE(rotate(w, Millis{0}));
  ASSERT_NE(w.keys->signing_kid(), published(w).front());
  const auto me = [&] { return w.call("GET", "/auth/me", {.bearer = in.text("access_token")}); };
  w.advance(minutes{15});
  w.tick();
  EXPECT_EQ(me().status, 200); // within the leeway
  w.advance(seconds{31});
  w.tick();
  EXPECT_EQ(me().code(), "TOKEN_EXPIRED"); // and not KEY_UNKNOWN
  w.advance(minutes{1});
  w.tick();
  EXPECT_EQ(published(w).size(), 1u);
}

TEST(Rotation, KeysOutliveTheProcess) {
  World w;
  const auto made = rotate(w, Millis{0});
  const auto in = w.register_user("alice");
  w.restart();
  EXPECT_EQ(w.keys->signing_kid(), made->kid);
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = in.text("access_token")}).status, 200);
}

TEST(Rotation, AKeyAddedByAnotherProcessIsNoticed) {
  World w;
  auto beside = w.open_store();
  auto row = make_signing_key(w.seal, jose::Algorithm::eddsa, w.clock.wall(), minutes{5}, w.entropy);
  const std::string kid = row.kid;
  std::vector<std::size_t> sizes;
  w.keys->watch([&sizes](const std::shared_ptr<const jose::KeySet>& keys) { sizes.push_back(keys->keys().size()); });
  ASSERT_TRUE(w.wait<bool>([&](auto done) {
    beside->add_signing_key(
        std::move(row), {.at = w.clock.wall(), .action = "key_rotate", .outcome = "OK"}, std::move(done));
  }));
  w.tick();
  EXPECT_EQ(published(w).back(), kid);
  w.tick();
  EXPECT_THAT(sizes, ElementsAre(1u, 2u));
}

TEST(Rotation, AKeySealedByAnotherInstallationIsLeftOut) {
  World w;
  const std::string old = w.keys->signing_kid();
  const auto foreign = store::SealKey::from_secret("some other key of some other installation").value();
  ASSERT_TRUE(w.wait<bool>([&](auto done) {
    w.store->add_signing_key(make_signing_key(foreign, jose::Algorithm::eddsa, w.clock.wall(), Millis{0}, w.entropy),
        {.at = w.clock.wall()}, std::move(done));
  }));
  w.advance(minutes{60});
  w.tick();
  EXPECT_THAT(published(w), ElementsAre(old));
  EXPECT_EQ(w.keys->signing_kid(), old);
}

TEST(Rotation, ANewKeyIsOfTheAlgorithmOfTheConfiguredOne) {
  FixedEntropy entropy;
  for (const auto algorithm : {jose::Algorithm::es256, jose::Algorithm::es512, jose::Algorithm::ps256}) {
    World w(test_policy(), jose::Key::generate(algorithm, entropy));
    const auto before = w.register_user("alice").text("access_token");
    ASSERT_TRUE(rotate(w, Millis{0}));
    const auto after = w.register_user("bob").text("access_token");
    EXPECT_NE(jose::parse_compact(after)->header.kid, jose::parse_compact(before)->header.kid);
    for (const auto& token : {before, after}) {
      EXPECT_EQ(jose::parse_compact(token)->header.alg, jose::to_string(algorithm));
      EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = token}).status, 200) << jose::to_string(algorithm);
    }
    const auto answer = w.call("GET", "/.well-known/jwks.json");
    for (const auto& jwk : answer.json.at("keys").as_array())
      EXPECT_EQ(jwk.at("alg").as_string(), jose::to_string(algorithm));
    w.restart();
    EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = after}).status, 200);
  }
}

TEST(Rotation, ASharedSecretIsNotRotatedAndSaysSo) {
  World w(test_policy(), jose::Key::from_secret("a shared secret of more than 32 bytes").value());
  EXPECT_EQ(rotate(w).error().cause, Cause::ROTATION_UNSUPPORTED);
  EXPECT_EQ(w.register_user("alice").status, 201);
  EXPECT_EQ(w.call("GET", "/.well-known/jwks.json").body, R"({"keys":[]})");
}

TEST(Rotation, TheTimeBeforeAKeySignsHasBounds) {
  World w;
  EXPECT_EQ(rotate(w, Millis{-1}).error().field, "publish_for");
  EXPECT_EQ(rotate(w, std::chrono::days{31}).error().cause, Cause::BAD_REQUEST);
}

} // namespace
} // namespace foyer::accounts

#include "config/preflight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "config/mode.h"
#include "config/report.h"
#include "config/secrets.h"
#include "config/testing/config_world.h"
#include "jose/jwk.h"

namespace foyer::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

World both_roles() {
  World out = staging_gateway();
  out.args = {};
  out.env.erase("AUTH_SERVICE_URL");
  return out;
}

TEST(Preflight, DevelopmentInOneProcessNeedsNothing) {
  EXPECT_THAT((World{.args = {"--dev"}, .env = {}, .files = {}}.codes()), IsEmpty());
  World split{.args = {"--dev", "--role", "gateway"}, .env = {}, .files = {}};
  EXPECT_THAT(split.codes(), ElementsAre("MISSING_SERVICE_SECRET", "MISSING_JWT_SECRET", "MISSING_AUTH_SERVICE_URL"));
}

TEST(Preflight, StagingAsksForWhatDevelopmentHasDefaultsFor) {
  World world{.args = {}, .env = {{"ENVIRONMENT", "production"}}, .files = {}};
  EXPECT_THAT(world.codes(),
      ElementsAre("MISSING_SERVICE_SECRET", "MISSING_JWT_SECRET", "MISSING_SERVICE_ID", "MISSING_PUBLIC_URL"));
  world.env["ENVIRONMENT"] = "test";
  EXPECT_THAT(world.codes(), ElementsAre("MISSING_SERVICE_SECRET", "MISSING_JWT_SECRET"));
}

TEST(Preflight, PublicUrlMayHaveAPath) {
  for (const char* url :
      {"https://chat.example.com/chat", "https://chat.example.com/a/b_c/", "https://chat.example.com/"}) {
    World world = both_roles();
    world.env["PUBLIC_URL"] = url;
    EXPECT_THAT(world.codes(), IsEmpty()) << url;
  }
}

TEST(Preflight, AProxyHeaderNeedsATrustedProxy) {
  World world = both_roles();
  world.env["FOYER_PROXY_PROTOCOL"] = "required";
  EXPECT_EQ(code_of(world.only().code), "INVALID_VALUE");
  EXPECT_EQ(world.only().option, "proxy_protocol");
  world.env["TRUSTED_PROXIES"] = "10.0.0.0/8";
  EXPECT_THAT(world.codes(), IsEmpty());
}

TEST(Preflight, WeakSecret) {
  const std::pair<std::string, const char*> cases[] = {{"Ab3!Ab3!", "at least 32"}, {std::string(40, 'a'), "distinct"},
      {"abababababababababababababababababab", "distinct"}, {"0123456789abcdef0123456789ABCDEF", "publicly known"},
      {"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7", "publicly known"}};
  for (const auto& [secret, why] : cases) {
    World world = both_roles();
    world.env["SERVICE_SECRET"] = secret;
    EXPECT_EQ(code_of(world.only().code), "WEAK_SECRET") << secret;
    EXPECT_THAT(world.only().message, HasSubstr(why));
  }
}

TEST(Preflight, PostgresqlNeedsAStoreKeyWhereTheAuthRoleRuns) {
  World world = both_roles();
  world.env["DATABASE_URL"] = "postgresql://foyer:hush-hush@db.internal/foyer?sslmode=require";
  const Finding missing = world.only();
  EXPECT_EQ(code_of(missing.code), "MISSING_STORE_KEY");
  EXPECT_EQ(missing.env, "STORE_KEY");
  world.env["STORE_KEY"] = "Zp8!cV5b-Nm2kLq7xWt4rYs9dGf3hJe6";
  EXPECT_THAT(world.codes(), IsEmpty());
  world.env["STORE_KEY"] = "too short";
  EXPECT_EQ(code_of(world.only().code), "WEAK_SECRET");
  world.env["STORE_KEY"] = kServiceSecret;
  EXPECT_EQ(code_of(world.only().code), "SECRET_REUSED");
  World gateway = staging_gateway();
  gateway.env["DATABASE_URL"] = "postgresql://foyer:hush-hush@db.internal/foyer?sslmode=require";
  EXPECT_THAT(gateway.codes(), IsEmpty());
  World development{.args = {"--dev"}, .env = {{"DATABASE_URL", "postgres:///foyer"}}, .files = {}};
  EXPECT_THAT(development.codes(), ElementsAre("MISSING_STORE_KEY"));
}

TEST(Preflight, SeveralNodesShareAPostgresDatabase) {
  World world = both_roles();
  world.env["FOYER_NODES"] = "many";
  EXPECT_EQ(code_of(world.only().code), "NODES_NEED_POSTGRES");
  EXPECT_EQ(world.only().option, "nodes");
  world.env["DATABASE_URL"] = "postgresql://foyer:hush@db.internal/foyer?sslmode=require";
  world.env["STORE_KEY"] = "Qm3vT8xkR1pZs6uWc9yB4nHf7jLd2gEa";
  EXPECT_THAT(world.codes(), IsEmpty());
  EXPECT_TRUE(with_others(world.loaded().config));
  world.env.erase("FOYER_NODES");
  EXPECT_FALSE(with_others(world.loaded().config));
}

TEST(Preflight, ABusIsBetweenSeveralNodes) {
  World world = both_roles();
  world.env["BUS_URL"] = "redis://:hush-hush@bus.internal";
  EXPECT_EQ(code_of(world.only().code), "NODES_NEED_POSTGRES");
  EXPECT_EQ(world.only().option, "bus_url");
  world.env["DATABASE_URL"] = "postgresql://foyer:hush@db.internal/foyer?sslmode=require";
  world.env["STORE_KEY"] = "Qm3vT8xkR1pZs6uWc9yB4nHf7jLd2gEa";
  EXPECT_THAT(world.codes(), IsEmpty());
  EXPECT_TRUE(with_others(world.loaded().config));
  world.env["FOYER_NODES"] = "one";
  EXPECT_EQ(code_of(world.only().code), "INVALID_VALUE");
  world.env["FOYER_NODES"] = "many";
  EXPECT_THAT(world.codes(), IsEmpty());
  EXPECT_THAT(json::write(check_json(world.loaded(), world.findings())),
      AllOf(HasSubstr("redis://:***@bus.internal"), Not(HasSubstr("hush-hush"))));
  world.env["FOYER_BUS_CA_FILE"] = "/none.pem";
  EXPECT_EQ(code_of(world.only().code), "FILE_UNREADABLE");
  EXPECT_EQ(world.only().option, "bus_ca_file");
}

TEST(Preflight, SeveralNodesKeepNoRoomInTheMemoryOfOne) {
  World world = both_roles();
  world.env["FOYER_NODES"] = "many";
  world.env["DATABASE_URL"] = "postgresql://foyer:hush@db.internal/foyer?sslmode=require";
  world.env["STORE_KEY"] = "Qm3vT8xkR1pZs6uWc9yB4nHf7jLd2gEa";
  world.env["FOYER_NON_DURABLE_ROOMS"] = "live-*";
  EXPECT_EQ(code_of(world.only().code), "INVALID_VALUE");
  EXPECT_EQ(world.only().option, "non_durable_rooms");
  world.env.erase("FOYER_NON_DURABLE_ROOMS");
  world.env["FOYER_ROOMS"] = R"([{"match": "live-*", "durable": false}])";
  EXPECT_EQ(world.only().option, "rooms");
}

TEST(Preflight, WithSeveralNodesTheListOfRevocationsIsYounger) {
  World world = both_roles();
  const Millis alone = world.loaded().config.revocations.max_age;
  world.env["FOYER_NODES"] = "many";
  EXPECT_EQ(world.loaded().config.revocations.max_age, Millis{60'000});
  EXPECT_LT(world.loaded().config.revocations.max_age, alone);
  world.env["FOYER_REVOCATION_MAX_AGE"] = "90s";
  EXPECT_EQ(world.loaded().config.revocations.max_age, Millis{90'000});
}

TEST(Preflight, TheModeSaysWhatSentMeans) {
  Config config;
  EXPECT_THAT(
      mode_text(config), AllOf(HasSubstr("nodes: one, messages in SQLite"), HasSubstr("survives a power loss")));
  config.store_sync = StoreSync::normal;
  EXPECT_THAT(mode_text(config), HasSubstr("perhaps not a power loss"));
  config.database_url = "postgresql://db/foyer";
  EXPECT_THAT(
      mode_text(config), AllOf(HasSubstr("nodes: one, messages in PostgreSQL"), HasSubstr("synchronous_commit")));
  config.nodes = Nodes::many;
  EXPECT_THAT(
      mode_text(config), HasSubstr("nodes: many, messages in PostgreSQL, events between nodes over PostgreSQL"));
  config.bus_url = "redis://bus";
  EXPECT_THAT(mode_text(config), HasSubstr("over Valkey or Redis"));
  EXPECT_EQ(mode_json(config).at("nodes"), json::Value("many"));
}

TEST(Preflight, SecretReused) {
  World world = both_roles();
  world.env["JWT_SECRET_KEY"] = kServiceSecret;
  EXPECT_EQ(code_of(world.only().code), "SECRET_REUSED");
  EXPECT_THAT(world.only().message, HasSubstr("SERVICE_SECRET and JWT_SECRET_KEY"));
}

TEST(Preflight, KeyUnreadable) {
  World world = both_roles();
  world.env.erase("JWT_SECRET_KEY");
  world.env["JWT_PRIVATE_KEY_FILE"] = "/k";
  EXPECT_EQ(code_of(world.only().code), "KEY_UNREADABLE");
  world.files["/k"] = {"-----BEGIN NONSENSE-----", 0600};
  EXPECT_EQ(code_of(world.only().code), "KEY_UNREADABLE");
  world.files["/k"] = {key_pem(), 0600};
  EXPECT_THAT(world.codes(), IsEmpty());
  world.files["/k"].mode = 0604;
  EXPECT_EQ(code_of(world.only().code), "SECRET_FILE_EXPOSED");
}

TEST(Preflight, ConflictingKeys) {
  World world = both_roles();
  world.files["/k"] = {key_pem(), 0600};
  world.env["JWT_PRIVATE_KEY_FILE"] = "/k";
  EXPECT_EQ(code_of(world.only().code), "CONFLICTING_KEYS");
  world = staging_gateway();
  world.env["JWT_JWKS_URL"] = "https://auth.example.com/.well-known/jwks.json";
  EXPECT_EQ(code_of(world.only().code), "CONFLICTING_KEYS");
  world.env.erase("JWT_SECRET_KEY");
  EXPECT_THAT(world.codes(), IsEmpty());
  world.env["JWT_ALGORITHM"] = "HS256";
  EXPECT_EQ(code_of(world.only().code), "CONFLICTING_KEYS");
  world = both_roles();
  world.env["JWT_ALGORITHM"] = "EdDSA";
  EXPECT_EQ(code_of(world.only().code), "CONFLICTING_KEYS");
  world = {.args = {"--dev"}, .env = {{"JWT_JWKS_URL", "http://localhost:9000/jwks"}}, .files = {}};
  EXPECT_EQ(code_of(world.only().code), "CONFLICTING_KEYS") << "the generated key is a key pair";
}

TEST(Preflight, TheAlgorithmFitsTheKey) {
  FixedEntropy entropy;
  const auto with_key = [&](jose::Algorithm kind, const std::string& algorithm) {
    World world = both_roles();
    world.env.erase("JWT_SECRET_KEY");
    world.env["JWT_PRIVATE_KEY_FILE"] = "/k";
    world.files["/k"] = {jose::Key::generate(kind, entropy).to_pem(), 0600};
    if (!algorithm.empty()) world.env["JWT_ALGORITHM"] = algorithm;
    return world.codes();
  };
  EXPECT_THAT(with_key(jose::Algorithm::es256, ""), IsEmpty());
  EXPECT_THAT(with_key(jose::Algorithm::es384, "ES384"), IsEmpty());
  EXPECT_THAT(with_key(jose::Algorithm::eddsa, "Ed25519"), IsEmpty());
  EXPECT_THAT(with_key(jose::Algorithm::rs256, "PS384"), IsEmpty());
  EXPECT_THAT(with_key(jose::Algorithm::es256, "ES384"), ElementsAre("CONFLICTING_KEYS"));
  EXPECT_THAT(with_key(jose::Algorithm::eddsa, "RS256"), ElementsAre("CONFLICTING_KEYS"));
  EXPECT_THAT(with_key(jose::Algorithm::es256, "HS256"), ElementsAre("CONFLICTING_KEYS"));
}

TEST(Preflight, ASecretIsAsLongAsItsAlgorithmAsks) {
  World world = both_roles();
  world.env["JWT_SECRET_KEY"] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJK"; // 47
  EXPECT_THAT(world.codes(), IsEmpty());
  for (const char* algorithm : {"HS384", "HS512"}) {
    world.env["JWT_ALGORITHM"] = algorithm;
    EXPECT_THAT(world.codes(), ElementsAre("WEAK_SECRET")) << algorithm;
  }
  world.env["JWT_SECRET_KEY"] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"; // 64
  EXPECT_THAT(world.codes(), IsEmpty());
  world.env["JWT_ALGORITHM"] = "ES256";
  EXPECT_THAT(world.codes(), ElementsAre("CONFLICTING_KEYS"));
  world.env["JWT_ALGORITHM"] = "none";
  EXPECT_THAT(world.codes(), ElementsAre("INVALID_VALUE"));
}

TEST(Preflight, WeakKey) {
  World world = both_roles();
  world.env.erase("JWT_SECRET_KEY");
  world.env["JWT_PRIVATE_KEY_FILE"] = "/k";
  world.files["/k"] = {R"({"kty":"RSA","n":"AQ","e":"AQAB"})", 0600};
  EXPECT_THAT(world.codes(), ElementsAre("WEAK_KEY"));
  FixedEntropy entropy;
  world.files["/k"] = {jose::Key::generate(jose::Algorithm::es256, entropy).public_part().to_pem(), 0600};
  EXPECT_EQ(code_of(world.only().code), "KEY_UNREADABLE");
  EXPECT_THAT(world.only().message, HasSubstr("contains a public key instead of a private key"));
}

TEST(Preflight, AKeySetDoesNotSign) {
  World world = both_roles();
  world.env.erase("JWT_SECRET_KEY");
  world.env["JWT_JWKS_URL"] = "https://auth.example.com/jwks";
  EXPECT_EQ(code_of(world.only().code), "MISSING_JWT_SECRET");
  EXPECT_THAT(world.only().message, HasSubstr("must sign"));
}

TEST(Preflight, InsecureUrlAndLoopbackInProduction) {
  World world = staging_gateway();
  world.env["AUTH_SERVICE_URL"] = "http://auth.example.com";
  EXPECT_THAT(world.codes(), ElementsAre("INSECURE_URL"));
  for (const char* url : {"https://localhost:9000", "https://127.0.0.2", "https://[::1]:9000"}) {
    world.env["AUTH_SERVICE_URL"] = url;
    EXPECT_THAT(world.codes(), ElementsAre("LOOPBACK_IN_PRODUCTION")) << url;
  }
  world = staging_gateway();
  world.env["PUBLIC_URL"] = "http://chat.example.com";
  EXPECT_THAT(world.codes(), ElementsAre("INSECURE_URL"));
}

TEST(Preflight, PlainHttpToAnAuthServiceOnAnotherMachineIsAWarningOutsideProductionToo) {
  World world = staging_gateway();
  world.env["ENVIRONMENT"] = "test";
  world.env["AUTH_SERVICE_URL"] = "http://auth.internal:8001";
  EXPECT_THAT(world.codes(), ElementsAre("INSECURE_URL"));
  EXPECT_EQ(world.only().severity, Severity::warning);
  for (const char* url :
      {"http://127.0.0.1:8001", "http://localhost:8001", "http://[::1]:8001", "https://auth.internal:8001"}) {
    world.env["AUTH_SERVICE_URL"] = url;
    EXPECT_THAT(world.codes(), IsEmpty()) << url;
  }
}

TEST(Preflight, ADatabaseOnAnotherMachineWithoutSslmodeIsAWarning) {
  World world = both_roles();
  world.env["STORE_KEY"] = "a8cB3kQ0pX9vT2mZ7nL5wR1sY6uJ4hGd";
  for (const char* url :
      {"postgresql://foyer@db/foyer", "postgresql://foyer:pw@10.0.0.7:5432/foyer", "postgresql://localhost,db/foyer",
          "postgresql:///foyer?host=db", "postgresql://[2001:db8::1]/foyer?user=foyer"}) {
    world.env["DATABASE_URL"] = url;
    EXPECT_THAT(world.codes(), ElementsAre("DATABASE_UNENCRYPTED")) << url;
    EXPECT_EQ(world.only().severity, Severity::warning) << url;
  }
  for (const char* url :
      {"sqlite", "postgresql:///foyer", "postgresql://localhost/foyer", "postgresql://127.0.0.1:5432,[::1]/foyer",
          "postgresql://%2Fvar%2Frun%2Fpostgresql/foyer", "postgresql:///foyer?host=/var/run/postgresql",
          "postgresql://db/foyer?sslmode=require", "postgresql://db/foyer?application_name=x&sslmode=disable"}) {
    world.env["DATABASE_URL"] = url;
    EXPECT_THAT(world.codes(), IsEmpty()) << url;
  }
}

TEST(Preflight, InvalidUrlDoesNotRepeatTheValue) {
  for (const char* url : {"chat.example.com", "ftp://chat.example.com", "https://user:hunter2@chat.example.com",
           "https://chat.example.com/path?query", "https://chat.example.com/auth/chat", "https://chat.example.com/a//b",
           "https://chat.example.com/a%20b", "wss://chat.example.com", "https://"}) {
    World world = staging_gateway();
    world.env["PUBLIC_URL"] = url;
    EXPECT_THAT(world.codes(), ElementsAre("INVALID_URL")) << url;
    EXPECT_THAT(world.only().message, testing::Not(HasSubstr("hunter2")));
  }
}

TEST(Preflight, MissingServiceIdAndPublicUrl) {
  World world = staging_gateway();
  world.env.erase("SERVICE_ID");
  EXPECT_THAT(world.codes(), ElementsAre("MISSING_SERVICE_ID"));
  world = staging_gateway();
  world.env.erase("PUBLIC_URL");
  EXPECT_THAT(world.codes(), ElementsAre("MISSING_PUBLIC_URL"));
}

TEST(Preflight, TimeoutsInverted) {
  World world = staging_gateway();
  world.args.insert(world.args.end(), {"--auth-deadline", "500ms"});
  const auto finding = world.only();
  EXPECT_EQ(code_of(finding.code), "TIMEOUTS_INVERTED");
  EXPECT_EQ(finding.message, "auth_attempt_timeout (600ms) is longer than auth_deadline (500ms), which encloses it.");
  EXPECT_EQ(finding.option, "auth_deadline") << "the option that was set";
  for (const auto& pair : deadline_pairs()) {
    ASSERT_NE(find_option(pair.inner), nullptr);
    ASSERT_NE(find_option(pair.outer), nullptr);
  }
}

TEST(Preflight, HeartbeatTooSlow) {
  World world = staging_gateway();
  world.args.insert(world.args.end(), {"--heartbeat-interval", "60s"});
  EXPECT_EQ(code_of(world.only().code), "HEARTBEAT_TOO_SLOW");
  world.args.insert(world.args.end(), {"--proxy-idle-timeout", "5m"});
  EXPECT_THAT(world.codes(), IsEmpty());
}

TEST(Preflight, DevelopmentExposed) {
  for (const char* address : {"0.0.0.0:8000", "[::]:8000", "192.0.2.7:8000"}) {
    World world{.args = {"--dev", "--listen", address}, .env = {}, .files = {}};
    EXPECT_THAT(world.codes(), ElementsAre("DEVELOPMENT_EXPOSED")) << address;
    world.args.emplace_back("--allow-exposed-development");
    EXPECT_THAT(world.codes(), IsEmpty());
  }
  for (const char* address : {"127.0.0.1:0", "[::1]:8000", "localhost:8000", "127.9.9.9:1"})
    EXPECT_THAT((World{.args = {"--dev", "--listen", address}, .env = {}, .files = {}}.codes()), IsEmpty()) << address;
}

TEST(Preflight, ValuesThatContradictEachOther) {
  World world = staging_gateway();
  world.env["ENVIRONMENT"] = "production";
  world.args.insert(world.args.end(), {"--echo", "open"});
  EXPECT_THAT(world.codes(), ElementsAre("INVALID_VALUE"));
  world = staging_gateway();
  world.args.insert(world.args.end(), {"--text-bytes", "1MiB"});
  EXPECT_THAT(world.codes(), ElementsAre("INVALID_VALUE"));
  world = staging_gateway();
  world.args.insert(world.args.end(), {"--metrics-listen", "127.0.0.1:8000"});
  EXPECT_THAT(world.codes(), ElementsAre("INVALID_VALUE"));
}

TEST(Fingerprint, IsThatOfTheSpecificationAndHidesWeakSecrets) {
  EXPECT_EQ(fingerprint("service_secret", kServiceSecret, 32),
      hex_encode(hmac_sha256(kServiceSecret, "foyer-fp-v1:service_secret")).substr(0, 8));
  EXPECT_NE(fingerprint("service_secret", kServiceSecret, 32), fingerprint("api_key", kServiceSecret, 16));
  EXPECT_EQ(fingerprint("service_secret", "abc", 32), "weak");
  EXPECT_EQ(fingerprint("service_secret", "", 32), "");
}

} // namespace
} // namespace foyer::config

#include "config/preflight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/bytes.h"
#include "config/development.h"
#include "config/secrets.h"
#include "config/test_world.h"
#include "jose/jwk.h"

namespace foyer::config {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

World both_roles() {
  World out = staging_gateway();
  out.args = {};
  out.env.erase("AUTH_SERVICE_URL");
  return out;
}

std::string key_pem(std::uint64_t seed = 1) {
  FixedEntropy entropy(seed);
  return jose::Key::generate_ed25519(entropy).to_pem();
}

// A certificate for the key, valid until `end`.
std::string certificate_pem(const std::string& key, WallTime end, WallTime begin = from_unix_seconds(1'600'000'000), const char* names = "DNS:chat.example.com") {
  BIO* in = BIO_new_mem_buf(key.data(), static_cast<int>(key.size()));
  EVP_PKEY* pkey = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  X509* x = X509_new();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  ASN1_TIME_set(X509_getm_notBefore(x), unix_seconds(begin));
  ASN1_TIME_set(X509_getm_notAfter(x), unix_seconds(end));
  X509_set_pubkey(x, pkey);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names);
  X509_add_ext(x, extension, -1);
  X509_EXTENSION_free(extension);
  X509_sign(x, pkey, nullptr);
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(out, x);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string pem(data, static_cast<std::size_t>(size));
  BIO_free(out);
  BIO_free(in);
  X509_free(x);
  EVP_PKEY_free(pkey);
  return pem;
}

World with_tls(Millis life = std::chrono::hours(24 * 60)) {
  World out = staging_gateway();
  out.env["TLS_CERT_FILE"] = "/cert";
  out.env["TLS_KEY_FILE"] = "/key";
  out.files["/key"] = {key_pem(), 0600};
  out.files["/cert"] = {certificate_pem(key_pem(), out.now + life), 0644};
  return out;
}

TEST(Preflight, DevelopmentInOneProcessNeedsNothing) {
  EXPECT_THAT((World{.args = {"--dev"}, .env = {}, .files = {}}.codes()), IsEmpty());
  World split{.args = {"--dev", "--role", "gateway"}, .env = {}, .files = {}};
  EXPECT_THAT(split.codes(), ElementsAre("MISSING_SERVICE_SECRET", "MISSING_JWT_SECRET", "MISSING_AUTH_SERVICE_URL"));
}

TEST(Preflight, StagingAsksForWhatDevelopmentHasDefaultsFor) {
  World world{.args = {}, .env = {{"ENVIRONMENT", "production"}}, .files = {}};
  EXPECT_THAT(world.codes(), ElementsAre("MISSING_SERVICE_SECRET", "MISSING_JWT_SECRET", "MISSING_SERVICE_ID", "MISSING_PUBLIC_URL"));
  world.env["ENVIRONMENT"] = "test";
  EXPECT_THAT(world.codes(), ElementsAre("MISSING_SERVICE_SECRET", "MISSING_JWT_SECRET"));
}

TEST(Preflight, WeakSecret) {
  const std::pair<std::string, const char*> cases[] = {{"Ab3!Ab3!", "at least 32"}, {std::string(40, 'a'), "distinct"}, {"abababababababababababababababababab", "distinct"},
                                                       {"0123456789abcdef0123456789ABCDEF", "publicly known"}, {"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7", "publicly known"}};
  for (const auto& [secret, why] : cases) {
    World world = both_roles();
    world.env["SERVICE_SECRET"] = secret;
    EXPECT_EQ(code_of(world.only().code), "WEAK_SECRET") << secret;
    EXPECT_THAT(world.only().message, HasSubstr(why));
  }
}

TEST(Preflight, PostgresqlNeedsAStoreKeyWhereTheAuthRoleRuns) {
  World world = both_roles();
  world.env["DATABASE_URL"] = "postgresql://foyer:hush-hush@db.internal/foyer";
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
  gateway.env["DATABASE_URL"] = "postgresql://foyer:hush-hush@db.internal/foyer";
  EXPECT_THAT(gateway.codes(), IsEmpty());
  World development{.args = {"--dev"}, .env = {{"DATABASE_URL", "postgres:///foyer"}}, .files = {}};
  EXPECT_THAT(development.codes(), ElementsAre("MISSING_STORE_KEY"));
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
  EXPECT_EQ(code_of(world.only().code), "CONFLICTING_KEYS") << "the generated key is one";
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
  EXPECT_THAT(world.only().message, HasSubstr("a public key, where a private key is needed"));
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

TEST(Preflight, InvalidUrlDoesNotRepeatTheValue) {
  for (const char* url : {"chat.example.com", "ftp://chat.example.com", "https://user:hunter2@chat.example.com", "https://chat.example.com/path", "wss://chat.example.com", "https://"}) {
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

TEST(Preflight, CertificateExpired) {
  EXPECT_THAT(with_tls().codes(), IsEmpty());
  World soon = with_tls(std::chrono::hours(24 * 13));
  EXPECT_EQ(code_of(soon.only().code), "CERTIFICATE_EXPIRED");
  EXPECT_EQ(soon.only().severity, Severity::warning);
  EXPECT_TRUE(is_fit(soon.findings()));
  World over = with_tls(Millis{-1000});
  EXPECT_EQ(code_of(over.only().code), "CERTIFICATE_EXPIRED");
  EXPECT_EQ(over.only().severity, Severity::error);
}

TEST(Preflight, KeyPairMismatch) {
  World world = with_tls();
  world.files["/key"].bytes = key_pem(99);
  EXPECT_EQ(code_of(world.only().code), "KEY_PAIR_MISMATCH");
  world = with_tls();
  world.env.erase("TLS_KEY_FILE");
  EXPECT_EQ(code_of(world.only().code), "KEY_PAIR_MISMATCH");
}

TEST(Preflight, TlsFilesThatCannotBeUsed) {
  World world = with_tls();
  world.files["/cert"].bytes = "hello";
  EXPECT_THAT(world.codes(), ElementsAre("FILE_UNREADABLE"));
  world = with_tls();
  world.files["/key"].bytes = "hello";
  EXPECT_THAT(world.codes(), ElementsAre("KEY_UNREADABLE"));
  world = with_tls();
  world.files.clear();
  EXPECT_THAT(world.codes(), ElementsAre("FILE_UNREADABLE", "KEY_UNREADABLE"));
}

TEST(Preflight, CertificateNotYetValid) {
  World world = with_tls();
  world.files["/cert"].bytes = certificate_pem(key_pem(), world.now + std::chrono::hours(24 * 60), world.now + std::chrono::hours(1));
  EXPECT_EQ(code_of(world.only().code), "CERTIFICATE_NOT_YET_VALID");
  EXPECT_EQ(world.only().severity, Severity::error);
}

TEST(Preflight, CertificateNameMismatch) {
  World world = with_tls();
  world.env["PUBLIC_URL"] = "https://talk.example.com";
  EXPECT_EQ(code_of(world.only().code), "CERTIFICATE_NAME_MISMATCH");
  EXPECT_EQ(world.only().severity, Severity::warning);
  EXPECT_EQ(world.only().message, "No certificate is for talk.example.com, the host of PUBLIC_URL.");
  world.files["/cert"].bytes = certificate_pem(key_pem(), world.now + std::chrono::hours(24 * 60), from_unix_seconds(1'600'000'000), "DNS:*.example.com");
  EXPECT_THAT(world.codes(), IsEmpty());
  world.env["PUBLIC_URL"] = "https://192.0.2.1";
  EXPECT_THAT(world.codes(), ElementsAre("CERTIFICATE_NAME_MISMATCH"));
  world.files["/cert"].bytes = certificate_pem(key_pem(), world.now + std::chrono::hours(24 * 60), from_unix_seconds(1'600'000'000), "IP:192.0.2.1");
  EXPECT_THAT(world.codes(), IsEmpty());
}

TEST(Preflight, CertificateChainBroken) {
  World world = with_tls();
  const std::string own = world.files["/cert"].bytes;
  world.files["/cert"].bytes = own + certificate_pem(key_pem(99), world.now + std::chrono::hours(24 * 60));
  EXPECT_EQ(code_of(world.only().code), "CERTIFICATE_CHAIN_BROKEN");
  EXPECT_EQ(world.only().severity, Severity::warning);
}

TEST(Preflight, CertificatesOfOthersThatExpireAreToldOf) {
  World world = with_tls();
  world.files["/cert"].bytes += certificate_pem(key_pem(), world.now - std::chrono::hours(1));
  EXPECT_EQ(code_of(world.only().code), "CERTIFICATE_EXPIRED");
  EXPECT_THAT(world.only().message, testing::HasSubstr(", certificate 2 expired at "));
  EXPECT_EQ(world.only().severity, Severity::warning) << "a client may know another way around it";

  world = with_tls();
  world.args.insert(world.args.end(), {"--tls-client-ca-file", "/clients"});
  const auto good = certificate_pem(key_pem(5), world.now + std::chrono::hours(24 * 60));
  world.files["/clients"] = {good, 0644};
  EXPECT_THAT(world.codes(), IsEmpty());
  world.files["/clients"].bytes = good + certificate_pem(key_pem(6), world.now + std::chrono::hours(24));
  EXPECT_EQ(code_of(world.only().code), "CERTIFICATE_EXPIRED");
  EXPECT_THAT(world.only().message, testing::HasSubstr("FOYER_TLS_CLIENT_CA_FILE, certificate 2 expires at "));
}

TEST(Preflight, EveryFurtherCertificateIsJudgedToo) {
  World world = with_tls();
  world.args.insert(world.args.end(), {"--tls-more-certificates", "/cert2:/key2"});
  EXPECT_THAT(world.codes(), ElementsAre("FILE_UNREADABLE", "KEY_UNREADABLE"));
  world.files["/key2"] = {key_pem(2), 0604};
  world.files["/cert2"] = {certificate_pem(key_pem(2), world.now - std::chrono::hours(1)), 0644};
  EXPECT_THAT(world.codes(), ElementsAre("SECRET_FILE_EXPOSED", "CERTIFICATE_EXPIRED"));
  EXPECT_THAT(world.findings().back().message, testing::HasSubstr("certificate 1 of FOYER_TLS_MORE_CERTIFICATES expired at "));
  world.files["/key2"] = {key_pem(3), 0600};
  world.files["/cert2"].bytes = certificate_pem(key_pem(2), world.now + std::chrono::hours(24 * 60));
  EXPECT_EQ(world.only().message, "The key of certificate 1 of FOYER_TLS_MORE_CERTIFICATES is not that of the first certificate in certificate 1 of FOYER_TLS_MORE_CERTIFICATES.");
  world.args.back() = "/cert2";
  EXPECT_THAT(world.codes(), ElementsAre("INVALID_VALUE"));
}

TEST(Preflight, TheAuthorityOfTheAuthServiceIsReadBeforehand) {
  World world = staging_gateway();
  world.args.insert(world.args.end(), {"--auth-service-ca-file", "/ca"});
  EXPECT_EQ(world.only().message, "The file of FOYER_AUTH_SERVICE_CA_FILE does not exist.");
  world.files["/ca"] = {"hello", 0644};
  EXPECT_EQ(world.only().message, "The file of FOYER_AUTH_SERVICE_CA_FILE holds no certificate in PEM.");
  world.files["/ca"].bytes = with_tls().files["/cert"].bytes;
  EXPECT_THAT(world.codes(), IsEmpty());
}

TEST(Preflight, ClientAuthorities) {
  World world = with_tls();
  world.args.insert(world.args.end(), {"--tls-client-ca-file", "/ca"});
  EXPECT_THAT(world.codes(), ElementsAre("FILE_UNREADABLE"));
  world.files["/ca"] = {"hello", 0644};
  EXPECT_EQ(world.only().message, "The file of FOYER_TLS_CLIENT_CA_FILE holds no certificate in PEM.");
  world.files["/ca"].bytes = world.files["/cert"].bytes;
  EXPECT_THAT(world.codes(), IsEmpty());
  world.env.erase("TLS_CERT_FILE");
  world.env.erase("TLS_KEY_FILE");
  EXPECT_THAT(world.codes(), ElementsAre("INVALID_VALUE"));
}

TEST(Preflight, TimeoutsInverted) {
  World world = staging_gateway();
  world.args.insert(world.args.end(), {"--auth-deadline", "500ms"});
  const auto finding = world.only();
  EXPECT_EQ(code_of(finding.code), "TIMEOUTS_INVERTED");
  EXPECT_EQ(finding.message, "auth_attempt_timeout (600ms) is longer than auth_deadline (500ms), which is around it.");
  EXPECT_EQ(finding.option, "auth_deadline") << "the one that was given";
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
  for (const char* address : {"127.0.0.1:0", "[::1]:8000", "localhost:8000", "127.9.9.9:1"}) EXPECT_THAT((World{.args = {"--dev", "--listen", address}, .env = {}, .files = {}}.codes()), IsEmpty()) << address;
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
  EXPECT_EQ(fingerprint("service_secret", kServiceSecret, 32), hex_encode(hmac_sha256(kServiceSecret, "foyer-fp-v1:service_secret")).substr(0, 8));
  EXPECT_NE(fingerprint("service_secret", kServiceSecret, 32), fingerprint("api_key", kServiceSecret, 16));
  EXPECT_EQ(fingerprint("service_secret", "abc", 32), "weak");
  EXPECT_EQ(fingerprint("service_secret", "", 32), "");
}

// A directory that is gone at the end.
struct TemporaryDirectory {
  std::string path = (std::filesystem::temp_directory_path() / ("foyer-config-test-" + system_entropy().short_id())).string();
  TemporaryDirectory() { std::filesystem::create_directory(path); }
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
};

TEST(GeneratedSecrets, AreMadeOncePrivateAndKept) {
  const TemporaryDirectory directory;
  World world{.args = {"--dev", "--data", directory.path}, .env = {}, .files = {}};
  Loaded first = world.loaded();
  FixedEntropy entropy;
  EXPECT_THAT(adopt_generated_secrets(first, system_files()), IsEmpty());
  EXPECT_EQ(first.config.service_secret, "") << "check makes nothing";
  EXPECT_THAT(generate_secrets(first, system_files(), entropy), IsEmpty());
  EXPECT_EQ(first.config.service_secret.size(), 43U);
  EXPECT_EQ(first.config.api_key.size(), 43U);
  EXPECT_EQ(first.config.jwt_private_key_file, directory.path + "/jwt_key.pem");
  EXPECT_EQ(first.source_of("api_key").kind, Source::Kind::generated);
  for (const auto& g : kGenerated) {
    struct stat about {};
    ASSERT_EQ(::stat((directory.path + "/" + std::string(g.file)).c_str(), &about), 0) << g.file;
    EXPECT_EQ(about.st_mode & 0777, 0600U) << g.file;
  }
  Loaded second = world.loaded();
  EXPECT_THAT(generate_secrets(second, system_files(), entropy), IsEmpty());
  EXPECT_EQ(second.config.service_secret, first.config.service_secret);
  Loaded checked = world.loaded();
  EXPECT_THAT(adopt_generated_secrets(checked, system_files()), IsEmpty());
  EXPECT_EQ(checked.config.api_key, first.config.api_key);
}

TEST(GeneratedSecrets, TheKeyPairIsForTheAlgorithmThatIsAskedFor) {
  const TemporaryDirectory directory;
  World world{.args = {"--dev", "--data", directory.path}, .env = {{"JWT_ALGORITHM", "ES384"}}, .files = {}};
  FixedEntropy entropy;
  Loaded loaded = world.loaded();
  EXPECT_THAT(generate_secrets(loaded, system_files(), entropy), IsEmpty());
  EXPECT_EQ(jose::Key::parse_any(system_files()(directory.path + "/jwt_key.pem")->bytes)->algorithm(), jose::Algorithm::es384);
  world.env["JWT_ALGORITHM"] = "RS256";
  loaded = world.loaded();
  const auto found = generate_secrets(loaded, system_files(), entropy);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(code_of(found[0].code), "CONFLICTING_KEYS");
}

TEST(GeneratedSecrets, GivenOnesAreNotReplaced) {
  const TemporaryDirectory directory;
  World world{.args = {"--dev", "--data", directory.path}, .env = {{"SERVICE_SECRET", kServiceSecret}, {"JWT_SECRET_KEY", kTokenSecret}}, .files = {}};
  Loaded loaded = world.loaded();
  FixedEntropy entropy;
  EXPECT_THAT(generate_secrets(loaded, system_files(), entropy), IsEmpty());
  EXPECT_EQ(loaded.config.service_secret, kServiceSecret);
  EXPECT_EQ(loaded.config.jwt_private_key_file, "");
  EXPECT_FALSE(std::filesystem::exists(directory.path + "/jwt_key.pem"));
}

TEST(GeneratedSecrets, ExistInNoOtherEnvironment) {
  const TemporaryDirectory directory;
  for (const std::vector<std::string>& args : {std::vector<std::string>{"--environment", "test"}, {"--environment", "production"}, {"--dev", "--role", "auth"}}) {
    World world{.args = args, .env = {}, .files = {}};
    world.args.insert(world.args.end(), {"--data", directory.path});
    Loaded loaded = world.loaded();
    FixedEntropy entropy;
    EXPECT_THAT(generate_secrets(loaded, system_files(), entropy), IsEmpty());
    EXPECT_TRUE(std::filesystem::is_empty(directory.path));
  }
}

TEST(GeneratedSecrets, FaultsAreFindings) {
  const TemporaryDirectory directory;
  World world{.args = {"--dev", "--data", directory.path}, .env = {}, .files = {}};
  FixedEntropy entropy;
  Loaded loaded = world.loaded();
  ASSERT_THAT(generate_secrets(loaded, system_files(), entropy), IsEmpty());
  ::chmod((directory.path + "/api_key").c_str(), 0644);
  std::ofstream(directory.path + "/service_secret") << "short";
  std::ofstream(directory.path + "/jwt_key.pem") << "no key";
  loaded = world.loaded();
  std::vector<std::string_view> codes;
  for (const auto& f : generate_secrets(loaded, system_files(), entropy)) codes.push_back(code_of(f.code));
  EXPECT_THAT(codes, ElementsAre("WEAK_SECRET", "SECRET_FILE_EXPOSED", "KEY_UNREADABLE"));
  world.args.back() = directory.path + "/absent";
  loaded = world.loaded();
  codes.clear();
  for (const auto& f : generate_secrets(loaded, system_files(), entropy)) codes.push_back(code_of(f.code));
  EXPECT_THAT(codes, Contains("DATA_UNWRITABLE"));
}

TEST(SystemFiles, SayWhyAFileCannotBeRead) {
  const TemporaryDirectory directory;
  const auto read = system_files();
  EXPECT_EQ(read(directory.path + "/absent").error(), "does not exist");
  EXPECT_EQ(read(directory.path).error(), "is a directory");
  EXPECT_EQ(read("/dev/null").error(), "is not a regular file");
  std::ofstream(directory.path + "/f") << "text";
  EXPECT_EQ(read(directory.path + "/f")->bytes, "text");
  std::ofstream(directory.path + "/big") << std::string(2 << 20, 'x');
  EXPECT_EQ(read(directory.path + "/big").error(), "is longer than 1 MiB");
}

} // namespace
} // namespace foyer::config

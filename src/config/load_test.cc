#include "config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "config/report.h"
#include "config/testing/config_world.h"
#include "config/values.h"

namespace foyer::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace std::string_literals;

World development() { return {.args = {"--dev"}, .env = {}, .files = {}}; }

TEST(Load, TheHigherSourceWins) {
  World world = development();
  world.files["c.toml"] = {"drain_timeout = \"4s\"\nlog_level = \"debug\"\n", 0644};
  world.files["/run/x"] = {"3s\n", 0600};
  world.env = {{"FOYER_CONFIG", "c.toml"}};
  EXPECT_EQ(world.loaded().config.http.drain_timeout, Millis{4'000});
  EXPECT_EQ(world.loaded().source_of("drain_timeout").text, "c.toml line 1 column 1");
  world.env["FOYER_DRAIN_TIMEOUT_FILE"] = "/run/x";
  EXPECT_EQ(world.loaded().config.http.drain_timeout, Millis{3'000});
  EXPECT_EQ(world.loaded().source_of("drain_timeout").text, "file /run/x (FOYER_DRAIN_TIMEOUT_FILE)");
  world.env.erase("FOYER_DRAIN_TIMEOUT_FILE");
  world.env["FOYER_DRAIN_TIMEOUT"] = "2s";
  EXPECT_EQ(world.loaded().config.http.drain_timeout, Millis{2'000});
  world.args = {"--dev", "--drain-timeout", "1s", "--drain-timeout=900ms"};
  EXPECT_EQ(world.loaded().config.http.drain_timeout, Millis{900}) << "the later of two on the command line";
  EXPECT_EQ(world.loaded().source_of("drain_timeout").text, "command line --drain-timeout");
  EXPECT_EQ(world.loaded().config.log_level, Level::debug);
  EXPECT_THAT(world.codes(), IsEmpty());
}

TEST(Load, ReadsEveryKindOfValue) {
  World world = development();
  world.args = {"--dev", "--listen", "[::1]:0", "--token-in-url", "--first-message-auth=false", "--message-bytes",
      "1MiB", "--role", "auth,gateway", "--refuse-with", "close", "--allowed-origins",
      "https://a.example, http://b.example:8080,null", "--non-durable-rooms", "live-*", "--history-days", "30",
      "--echo", "token"};
  const auto loaded = world.loaded();
  const Config& c = loaded.config;
  EXPECT_THAT(loaded.findings, IsEmpty());
  EXPECT_EQ(c.listen, (HostPort{"::1", 0}));
  EXPECT_TRUE(c.gateway.door.token_in_url);
  EXPECT_FALSE(c.gateway.door.first_message_auth);
  EXPECT_EQ(c.gateway.message_bytes, 1024U * 1024U);
  EXPECT_EQ(c.gateway.door.refuse_with, RefuseWith::close);
  EXPECT_EQ(c.echo, EchoAccess::token);
  EXPECT_THAT(c.allowed_origins, ElementsAre("https://a.example", "http://b.example:8080", "null"));
  EXPECT_THAT(c.non_durable_rooms, ElementsAre("live-*"));
  EXPECT_EQ(c.store.history_days, 30U);
}

TEST(Load, TomlTakesNativeTypes) {
  World world = development();
  world.args = {"--dev", "--config", "c.toml"};
  world.files["c.toml"] = {
      "messages_per_s = 7\ntoken_in_url = true\nallowed_hosts = [\"A.example\", \"b.example\"]\n", 0644};
  const auto loaded = world.loaded();
  EXPECT_THAT(loaded.findings, IsEmpty());
  EXPECT_EQ(loaded.config.gateway.messages_per_s, 7U);
  EXPECT_TRUE(loaded.config.gateway.door.token_in_url);
  EXPECT_THAT(loaded.config.allowed_hosts, ElementsAre("a.example", "b.example"));
}

TEST(Load, DefaultsFollowTheEnvironment) {
  const auto of = [](const char* environment) {
    return World{.args = {}, .env = {{"ENVIRONMENT", environment}}, .files = {}}.loaded().config;
  };
  EXPECT_EQ(of("development").accounts.registration, Registration::open);
  EXPECT_EQ(of("test").accounts.registration, Registration::closed);
  EXPECT_FALSE(of("test").require_environment_claim);
  EXPECT_TRUE(of("staging").require_environment_claim);
  EXPECT_EQ(of("production").service_id, "");
}

TEST(Load, MissingEnvironment) {
  World world;
  EXPECT_THAT(world.codes(), ElementsAre("MISSING_ENVIRONMENT"));
  EXPECT_FALSE(world.loaded().environment_given);
  world.env["ENVIRONMENT"] = "";
  EXPECT_THAT(world.codes(), ElementsAre("MISSING_ENVIRONMENT")) << "an empty variable is not set";
}

TEST(Load, InvalidEnvironment) {
  World world = staging_gateway();
  world.env["ENVIRONMENT"] = "prod";
  EXPECT_THAT(world.codes(), ElementsAre("INVALID_ENVIRONMENT"));
  EXPECT_THAT(world.only().message, Not(HasSubstr("\"prod\"")));
  world.env.erase("SERVICE_SECRET");
  EXPECT_THAT(world.codes(), ElementsAre("INVALID_ENVIRONMENT", "MISSING_SERVICE_SECRET")) << "all findings at once";
}

TEST(Load, UnknownOptionNamesTheNearest) {
  World world = development();
  world.args = {"--dev", "--listn", "127.0.0.1:1"};
  EXPECT_EQ(code_of(world.only().code), "UNKNOWN_OPTION");
  EXPECT_THAT(world.only().message, HasSubstr("--listen"));
  world = development();
  world.env["FOYER_HEARTBEAT_INTERVALL"] = "1s";
  EXPECT_THAT(world.only().message, HasSubstr("FOYER_HEARTBEAT_INTERVAL."));
  world = development();
  world.args = {"--dev", "--config", "c.toml"};
  world.files["c.toml"] = {"\ndrain-timeout = \"1s\"\n", 0644};
  EXPECT_EQ(world.only().source, "c.toml line 2 column 1");
  EXPECT_THAT(world.only().message, HasSubstr("drain_timeout"));
  world.files["c.toml"] = {"[limits]\nmessage_bytes = 4096\n", 0644};
  EXPECT_EQ(code_of(world.only().code), "UNKNOWN_OPTION");
  world.files["c.toml"] = {"a = 1\n", 0644};
  EXPECT_THAT(world.only().message, Not(HasSubstr("nearest"))) << "nothing of ask is in it but one letter";
  world.files["c.toml"] = {"aks = []\n", 0644};
  EXPECT_THAT(world.only().message, Not(HasSubstr("nearest"))) << "two of three letters are elsewhere";
  world.files["c.toml"] = {"asks = []\n", 0644};
  EXPECT_THAT(world.only().message, HasSubstr("nearest is ask."));
  world = development();
  world.args = {"--dev", "stray"};
  EXPECT_EQ(code_of(world.only().code), "UNKNOWN_OPTION");
  EXPECT_THAT(world.only().message, Not(HasSubstr("stray"))) << "it may be a secret";
  world = development();
  world.env["FOYER_TLS_CERT_FILE_FILE"] = "/x";
  EXPECT_EQ(code_of(world.only().code), "UNKNOWN_OPTION") << "an option that is a path has no twin";
}

TEST(Load, WhatKubernetesInjectsIsNoOption) {
  World world = development();
  world.env.insert({{"FOYER_SERVICE_HOST", "10.0.0.1"}, {"FOYER_SERVICE_PORT", "8000"},
      {"FOYER_SERVICE_PORT_HTTP", "8000"}, {"FOYER_PORT", "tcp://10.0.0.1:8000"},
      {"FOYER_PORT_8000_TCP", "tcp://10.0.0.1:8000"}, {"FOYER_PORT_8000_TCP_PROTO", "tcp"},
      {"FOYER_PORT_8000_TCP_ADDR", "10.0.0.1"}, {"FOYER_PORT_8000_TCP_PORT", "8000"}});
  EXPECT_THAT(world.codes(), IsEmpty());
  world.env["FOYER_PORT"] = "8000";
  EXPECT_THAT(world.codes(), ElementsAre("UNKNOWN_OPTION")) << "set by a person";
}

TEST(Load, InvalidValueNamesTheRuleAndNotTheValue) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {{{"--drain-timeout", "8"}, "a duration"},
      {{"--drain-timeout", "-1s"}, "a duration"}, {{"--drain-timeout", "999999999999999d"}, "a duration"},
      {{"--message-bytes", "64kb"}, "a size"}, {{"--listen", "8000"}, "HOST:PORT"},
      {{"--listen", "::1:80"}, "HOST:PORT"}, {{"--listen", "a.example:80"}, "HOST:PORT"},
      {{"--listen", "127.0.0.1:65536"}, "HOST:PORT"}, {{"--role", "auth,chat"}, "auth,gateway"},
      {{"--log-level", "INFO"}, "one of"}, {{"--token-in-url=maybe"}, "true or false"},
      {{"--allowed-origins", "*"}, "origins"}, {{"--allowed-origins", "https://a.example/"}, "origins"},
      {{"--allowed-origins", "https://a.example:443"}, "origins"},
      {{"--allowed-hosts", "a.example:80"}, "without a port"}, {{"--trusted-proxies", "10.0.0.0/33"}, "ranges"},
      {{"--trusted-proxies", "proxy"}, "ranges"}, {{"--database-url", "mysql://x"}, "sqlite"},
      {{"--database-url", "postgresql://u:p@h:99999/x"}, "sqlite"}, {{"--jwt-algorithm", "none"}, "HS256"},
      {{"--messages-per-s", "0"}, "a number"}, {{"--messages-per-s", "1e3"}, "a number"},
      {{"--ticket-ttl", "61s"}, "a duration"}};
  for (const auto& [args, rule] : cases) {
    World world = development();
    world.args.insert(world.args.end(), args.begin(), args.end());
    const auto finding = world.only();
    EXPECT_EQ(code_of(finding.code), "INVALID_VALUE") << args.back();
    EXPECT_THAT(finding.message, HasSubstr(rule));
    EXPECT_EQ(finding.source, "command line " + args.front().substr(0, args.front().find('=')));
  }
  World world = development();
  world.args = {"--dev", "--listen"};
  EXPECT_THAT(world.only().message, HasSubstr("needs a value"));
}

TEST(Load, BrokenTomlIsNamedByLineAndColumnWithoutItsText) {
  World world = development();
  world.args = {"--dev", "--config", "c.toml"};
  world.files["c.toml"] = {"log_level = \"info\"\nservice_secret = hunter2hunter2\n", 0600};
  const auto finding = world.only();
  EXPECT_EQ(code_of(finding.code), "INVALID_VALUE");
  EXPECT_THAT(finding.source, testing::StartsWith("c.toml line 2 column "));
  EXPECT_THAT(finding.message, Not(HasSubstr("hunter2")));
  for (const std::string& text : {"a.\"it's hunter2\" = 0\na.\"it's hunter2\" = 1\n"s,
           "[x.'hunter2\"']\n[x.'hunter2\"']\n"s, "service_secret = '''\nhunter2"s,
           "service_secret = 'hunter2''hunter2'\n"s, "service_secret = 2024-77-hunter2\n"s,
           "\"" + std::string(600, '\'') + "hunter2\" = 0\n\"" + std::string(600, '\'') + "hunter2\" = 1\n"}) {
    world.files["c.toml"] = {text, 0600};
    EXPECT_THAT(
        world.only().message, AllOf(HasSubstr("not valid TOML"), Not(HasSubstr("hunter2")), Not(HasSubstr("77"))))
        << text;
  }
  world.files["c.toml"] = {"port = 99999999999999999999\n", 0600};
  EXPECT_THAT(world.only().message, HasSubstr("'…' is not representable in 64 bits"));
  world.files["c.toml"] = {"log_level = 1979-05-27\n", 0600};
  EXPECT_EQ(code_of(world.only().code), "INVALID_VALUE");
}

TEST(Load, ConflictingSources) {
  World world = test_gateway();
  world.env["FOYER_SERVICE_SECRET"] = kServiceSecret;
  EXPECT_THAT(world.codes(), IsEmpty()) << "both, and equal";
  world.env["FOYER_SERVICE_SECRET"] = kServiceSecret + "x";
  EXPECT_EQ(code_of(world.only().code), "CONFLICTING_SOURCES");
  EXPECT_THAT(world.only().message, HasSubstr("SERVICE_SECRET and FOYER_SERVICE_SECRET"));
  world = test_gateway();
  world.files["/s"] = {kServiceSecret, 0600};
  world.env["SERVICE_SECRET_FILE"] = "/s";
  EXPECT_EQ(code_of(world.only().code), "CONFLICTING_SOURCES");
}

TEST(Load, OneLineEndOfAFileIsRemovedAndAnythingMoreIsNamed) {
  World world = test_gateway();
  world.env.erase("SERVICE_SECRET");
  world.env["SERVICE_SECRET_FILE"] = "/s";
  for (const char* end : {"", "\n", "\r\n"}) {
    world.files["/s"] = {kServiceSecret + end, 0600};
    EXPECT_THAT(world.codes(), IsEmpty());
    EXPECT_EQ(world.loaded().config.service_secret, kServiceSecret);
  }
  for (const char* end : {"\n\n", "\r", " \n", "\r\r\n"}) {
    world.files["/s"] = {kServiceSecret + end, 0600};
    EXPECT_THAT(world.codes(), ElementsAre("ILLEGAL_CHARACTER"));
  }
}

TEST(Load, FileUnreadable) {
  World world = test_gateway();
  world.env.erase("SERVICE_SECRET");
  world.env["SERVICE_SECRET_FILE"] = "/none";
  EXPECT_EQ(code_of(world.only().code), "FILE_UNREADABLE");
  EXPECT_EQ(world.only().message, "The file that SERVICE_SECRET_FILE names does not exist.");
  world.files["/none"] = {"\n", 0600};
  EXPECT_EQ(code_of(world.only().code), "FILE_UNREADABLE") << "empty";
  world = development();
  world.args = {"--dev", "--config", "none.toml"};
  EXPECT_EQ(code_of(world.only().code), "FILE_UNREADABLE");
}

TEST(Load, SecretFileExposed) {
  World world = test_gateway();
  world.env.erase("SERVICE_SECRET");
  world.env["SERVICE_SECRET_FILE"] = "/s";
  world.files["/s"] = {kServiceSecret, 0644};
  EXPECT_EQ(code_of(world.only().code), "SECRET_FILE_EXPOSED");
  EXPECT_EQ(world.only().fix, "chmod 600 /s");
  world.files["/s"].mode = 0640;
  EXPECT_THAT(world.codes(), IsEmpty()) << "containers are given secrets through a group";
  world = test_gateway();
  world.args.insert(world.args.end(), {"--config", "c.toml"});
  world.files["c.toml"] = {"api_key = \"kD83jsPw02mQzX91\"\n", 0644};
  EXPECT_THAT(world.codes(), ElementsAre("SECRET_FILE_EXPOSED"));
}

TEST(Load, PlaceholderValue) {
  for (const char* value : {"changeme", "secret", "your-secret-here", "REPLACE_WITH_SECRET", "${SERVICE_SECRET}",
           "<secret>", "password123", "xxxxxxxx", "{{ .Values.secret }}"}) {
    World world = test_gateway();
    world.env["SERVICE_SECRET"] = value;
    EXPECT_THAT(world.codes(), ElementsAre("PLACEHOLDER_VALUE")) << value;
  }
  World world = test_gateway();
  world.env["AUTH_SERVICE_URL"] = "https://${AUTH_HOST}:8000";
  EXPECT_THAT(world.codes(), ElementsAre("PLACEHOLDER_VALUE"));
}

TEST(Load, IllegalCharacterIsNamedWithItsPlace) {
  const std::pair<std::string, const char*> cases[] = {{"gate way", "character 5 of 8 is a space"},
      {"\tgateway", "character 1 of 8 is a tab"}, {"gateway\n", "character 8 of 8 is a line feed"},
      {"g\x01", "a control character (U+0001)"}, {"gate/way", "character 5 of 8 is '/'"},
      {"g\xc3\xa4", "the character U+00E4"}, {"g\xff", "not valid UTF-8"}, {"\xef\xbb\xbfg", "a byte order mark"}};
  for (const auto& [value, what] : cases) {
    World world = staging_gateway();
    world.env["SERVICE_ID"] = value;
    EXPECT_EQ(code_of(world.only().code), "ILLEGAL_CHARACTER");
    EXPECT_THAT(world.only().message, HasSubstr(what));
  }
  World world = test_gateway();
  world.env["SERVICE_SECRET"] = kServiceSecret + " ";
  EXPECT_THAT(world.only().message, HasSubstr("character 33 of 33 is a space"));
}

TEST(ResolveAddresses, FollowsTheAddressThatWasBound) {
  Config config;
  config.listen = {"0.0.0.0", 0};
  resolve_addresses(config, 0);
  EXPECT_EQ(config.public_url, "");
  resolve_addresses(config, 4711);
  EXPECT_EQ(config.public_url, "http://localhost:4711");
  EXPECT_THAT(config.allowed_origins, ElementsAre("http://localhost:4711", "http://127.0.0.1:4711"));
  EXPECT_EQ(config.jwt_issuer, "foyer");

  Config given = defaults_for(Environment::production);
  given.public_url = "https://Chat.example.com:443/";
  resolve_addresses(given, 8000);
  EXPECT_EQ(given.public_url, "https://chat.example.com");
  EXPECT_EQ(given.jwt_issuer, "https://chat.example.com");
  EXPECT_THAT(given.allowed_origins, ElementsAre("https://chat.example.com"));
  EXPECT_THAT(given.allowed_hosts, ElementsAre("chat.example.com"));

  Config below = defaults_for(Environment::production);
  below.public_url = "https://Example.com/Chat/";
  resolve_addresses(below, 8000);
  EXPECT_EQ(below.public_url, "https://example.com/Chat");
  EXPECT_EQ(below.base_path, "/Chat");
  EXPECT_EQ(below.jwt_issuer, "https://example.com/Chat");
  EXPECT_THAT(below.allowed_origins, ElementsAre("https://example.com"));

  Config explicit_origins;
  explicit_origins.allowed_origins = {"https://a.example"};
  resolve_addresses(explicit_origins, 8000);
  EXPECT_THAT(explicit_origins.allowed_origins, ElementsAre("https://a.example"));
}

TEST(Table, EveryDefaultKeepsItsOwnRule) {
  for (const auto environment :
      {Environment::development, Environment::test, Environment::staging, Environment::production}) {
    for (const auto& option : all_options()) {
      Config config = defaults_for(environment);
      const std::string text = format_value(option, config);
      EXPECT_TRUE(parse_value(option, text, config)) << option.name << " = " << text;
      EXPECT_EQ(format_value(option, config), text) << option.name;
      EXPECT_FALSE(option.help.empty());
      EXPECT_EQ(find_option(option.name), &option) << "named twice: " << option.name;
    }
  }
}

TEST(Table, TheCommittedPageIsTheTable) {
  std::ifstream in(FOYER_SOURCE_DIR "/docs/configuration.md", std::ios::binary);
  std::stringstream committed;
  committed << in.rdbuf();
  EXPECT_TRUE(committed.str() == configuration_markdown())
      << "docs/configuration.md is out of date: run tools/generate-docs";
}

TEST(DatabaseUrl, IsSqliteOrWhatPostgresqlUnderstands) {
  for (const char* good : {"sqlite", "postgresql://foyer:pass%40word@db.internal/foyer", "postgres://db:5433/foyer",
           "postgresql://foyer@/foyer?host=/run/postgresql", "postgresql:///foyer",
           "postgresql://foyer:x@[::1]:5432,10.0.0.7/foyer?sslmode=verify-full&connect_timeout=3"})
    EXPECT_TRUE(is_database(good)) << good;
  for (const char* bad : {"", "Sqlite", "mysql://x/y", "postgresql:/x", "postgresql://u:p@ss@h/x",
           "postgresql://u:p/w@h/x", "postgresql://u:p%zz@h/x", "postgresql://h:0/x", "postgresql://h:99999/x",
           "postgresql://h/x?y", "postgresql://h/x?p%61ssword=y", "postgresql://h/x#y", "postgresql://h/a/b",
           "postgresql://h /x", "postgresql://[::1/x"})
    EXPECT_FALSE(is_database(bad)) << bad;
}

TEST(DatabaseUrl, ItsPasswordIsShownByNothing) {
  EXPECT_EQ(without_password("postgresql://foyer:hush@db/foyer"), "postgresql://foyer:***@db/foyer");
  EXPECT_EQ(without_password("postgresql://db/foyer?user=foyer&password=hush&sslpassword=hush"),
      "postgresql://db/foyer?user=foyer&password=***&sslpassword=***");
  EXPECT_EQ(without_password("postgresql://u:hu@sh/?@db/foyer"), "postgresql://u:***@db/foyer");
  EXPECT_EQ(without_password("postgres://@n?hostaddr=:S&sslpassword=@hush"), "postgres://@n?hostaddr=:***");
  EXPECT_EQ(
      without_password("postgres://u:hu&password=hush&sh@db/x?password=hush"), "postgres://u:***@db/x?password=***");
  EXPECT_EQ(without_password("postgresql://foyer@db:5432/foyer"), "postgresql://foyer@db:5432/foyer");
  EXPECT_EQ(without_password("sqlite"), "sqlite");

  World world = staging_gateway();
  world.env["DATABASE_URL"] = "postgresql://foyer:hush-hush@db.internal/foyer?sslpassword=hush-hush";
  const auto loaded = world.loaded();
  EXPECT_EQ(loaded.config.database_url, world.env["DATABASE_URL"]);
  EXPECT_THAT(json::write(check_json(loaded, world.findings())),
      AllOf(HasSubstr("postgresql://foyer:***@db.internal/foyer"), Not(HasSubstr("hush"))));
  EXPECT_THAT(options_text(loaded, true), Not(HasSubstr("hush")));
  Config other = loaded.config;
  other.database_url = "postgresql://foyer:another@db.internal/foyer?sslpassword=another";
  EXPECT_EQ(configuration_fingerprint(loaded.config), configuration_fingerprint(other));

  world.env["DATABASE_URL"] = "postgresql://foyer:hush@hush@db.internal/foyer";
  EXPECT_THAT(json::write(check_json(world.loaded(), world.findings())), Not(HasSubstr("hush")));
  EXPECT_EQ(code_of(world.only().code), "INVALID_VALUE");
}

TEST(DatabaseUrl, AFileThatHoldsOneWithAPasswordIsASecretFile) {
  World world = staging_gateway();
  world.env["DATABASE_URL_FILE"] = "/run/db";
  world.files["/run/db"] = {"postgresql://foyer:hush-hush@db.internal/foyer?sslmode=require\n", 0644};
  EXPECT_EQ(code_of(world.only().code), "SECRET_FILE_EXPOSED");
  world.files["/run/db"] = {"postgresql://foyer@db.internal/foyer?sslmode=require\n", 0644};
  EXPECT_THAT(world.codes(), IsEmpty());
}

TEST(Values, AreWrittenAsTheyAreRead) {
  for (const char* text : {"500ms", "8s", "15m", "24h", "14d", "0", "90s"}) {
    const auto value = parse_duration(text);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(parse_duration(format_duration(*value)), value);
  }
  for (const char* text : {"", "s", "1", "1 h", "1.5s", "1S", "+1s", "1s ", "1w"})
    if (std::string_view(text) != "1 h") {
      EXPECT_FALSE(parse_duration(text)) << text;
    }
  EXPECT_EQ(parse_size("64 KiB"), 65536U);
  EXPECT_EQ(parse_size("65536"), 65536U);
  EXPECT_FALSE(parse_size("99999999999GiB"));
  EXPECT_EQ(parse_size(format_size(18446744073709551615U)), 18446744073709551615U);
  EXPECT_FALSE(parse_duration("9223372036854775808ms"));
  EXPECT_EQ(format_size(65536), "64KiB");
  for (const char* good : {"10.0.0.0/8", "::1", "fd00::/8", "192.0.2.7"}) EXPECT_TRUE(is_cidr(good)) << good;
  for (const char* bad : {"", "10.0.0.0/", "10.0.0/8", "::1/129", "10.0.0.0/08x"}) EXPECT_FALSE(is_cidr(bad)) << bad;
}

TEST(ConfigFile, OfAnyBytesIsReadOrNamedByItsPlace) {
  for (const std::string& text : {std::string("[\n\x01"), std::string("[a\n\x7f"), std::string("\xff"),
           std::string("[\n"), std::string("a = 1 \u00e4"), std::string("\u0228 = 1")}) {
    World world = test_gateway();
    world.args = {"--role", "gateway", "--config", "foyer.toml"};
    world.files["foyer.toml"] = {text};
    const Finding finding = world.only();
    EXPECT_EQ(finding.code, Cause::INVALID_VALUE);
    EXPECT_EQ(finding.source.substr(0, 16), "foyer.toml line ");
  }
}

TEST(CheckReport, ShowsSourcesAndFingerprintsButNoSecret) {
  World world = staging_gateway();
  const auto loaded = world.loaded();
  const std::string text = json::write(check_json(loaded, world.findings()));
  EXPECT_THAT(text, Not(HasSubstr(kServiceSecret)));
  EXPECT_THAT(text, Not(HasSubstr(kTokenSecret)));
  EXPECT_THAT(options_text(loaded, true), Not(HasSubstr(kServiceSecret)));
  EXPECT_THAT(text,
      HasSubstr(R"({"name":"service_id","env":"SERVICE_ID","source":"environment SERVICE_ID","value":"gateway-1"})"));
  EXPECT_THAT(text,
      testing::ContainsRegex(
          R"("name":"service_secret","env":"SERVICE_SECRET","source":"environment SERVICE_SECRET","fingerprint":"[0-9a-f]{8}")"));
  EXPECT_THAT(text, testing::StartsWith(R"({"fit":true,"environment":"staging","findings":[])"));

  World broken;
  const std::string report = json::write(check_json(broken.loaded(), broken.findings()));
  EXPECT_THAT(report,
      testing::StartsWith(
          R"({"fit":false,"environment":null,"findings":[{"code":"MISSING_ENVIRONMENT","severity":"error","option":"environment","env":"ENVIRONMENT","source":"not set",)"));
  EXPECT_THAT(findings_text(broken.findings()), HasSubstr("MISSING_ENVIRONMENT"));
}

TEST(ConfigurationFingerprint, IsTheSameForTheSameOptionsAndKnowsNoSecret) {
  Config a;
  Config b;
  b.service_secret = kServiceSecret;
  EXPECT_EQ(configuration_fingerprint(a), configuration_fingerprint(b));
  b.gateway.messages_per_s = 99;
  EXPECT_NE(configuration_fingerprint(a), configuration_fingerprint(b));
  EXPECT_EQ(configuration_fingerprint(a).size(), 8U);
}

} // namespace
} // namespace foyer::config

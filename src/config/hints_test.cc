// The hints for invalid values: what is wrong, and the probable meaning.
#include "config/hints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/testing/config_world.h"

namespace foyer::config {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Case {
  const char* option;
  const char* written;
  const char* wrong; // a part of the text
  const char* meant; // empty: unknown
};

constexpr Case kCases[] = {
    {"listen", ":21010", "host is missing", "127.0.0.1:21010"},
    {"listen", "8000", "host is missing", "127.0.0.1:8000"},
    {"listen", "127.0.0.1", "port is missing", "127.0.0.1:8000"},
    {"listen", "*:8000", "0.0.0.0", "0.0.0.0:8000"},
    {"listen", "::1:8000", "brackets", "[::1]:8000"},
    {"listen", "::1", "brackets", "[::1]:8000"},
    {"listen", "[::1]", "port is missing", "[::1]:8000"},
    {"listen", "http://127.0.0.1:8000/", "URL", "127.0.0.1:8000"},
    {"listen", "chat.example.com:8000", "name", "0.0.0.0:8000"},
    {"listen", "127.0.0.1:99999", "99999", ""},
    {"listen", "127.0.0.1:http", "not a number", ""},
    {"drain_timeout", "8", "unit is missing", "8s"},
    {"drain_timeout", "8000", "unit is missing", "8s"},
    {"drain_timeout", "8sec", "durations", "8s"},
    {"drain_timeout", "8S", "durations", "8s"},
    {"drain_timeout", "1.5m", "durations", "90s"},
    {"drain_timeout", "1m30s", "durations", "90s"},
    {"drain_timeout", "PT8S", "durations", "8s"},
    {"session_absolute", "2 weeks", "durations", "14d"},
    {"drain_timeout", "1h", "more than 10m", ""},
    {"message_bytes", "64kb", "KiB", "64KiB"},
    {"message_bytes", "64K", "KiB", "64KiB"},
    {"message_bytes", "1.5MB", "KiB", "1536KiB"},
    {"message_bytes", "1 megabyte", "KiB", "1MiB"},
    {"message_bytes", "10b", "less than 1KiB", ""},
    {"connection_limit", "10,000", "digits", "10000"},
    {"connection_limit", "10_000", "digits", "10000"},
    {"connection_limit", "10k", "digits", "10000"},
    {"connection_limit", "-1", "negative", ""},
    {"connection_limit", "1.5", "whole", ""},
    {"history_days", "unlimited", "number", "0"},
    {"registration", "\"open\"", "quotes", "open"},
    {"registration", "'Open'", "lower case", "open"},
    {"registration", "OPEN", "lower case", "open"},
    {"registration", "opne", "", "open"},
    {"registration", "invite-only", "", "invite"},
    {"log_level", "warn", "", "warning"},
    {"log_level", "INFO", "lower case", "info"},
    {"log_format", "plain", "", "text"},
    {"environment", "prod", "", "production"},
    {"tls_1_2", "enabled", "", "true"},
    {"tls_1_2", "True", "", "true"},
    {"role", "Gateway", "lower case", "gateway"},
    {"role", "auth+gateway", "comma", "auth,gateway"},
    {"role", "both", "comma", "auth,gateway"},
    {"allowed_origins", "https://a.example/", "slash", "https://a.example"},
    {"allowed_origins", "https://a.example,https://b.example/chat", "element 2 of 2: it has a path",
        "https://a.example,https://b.example"},
    {"allowed_origins", "a.example", "scheme is missing", "https://a.example"},
    {"allowed_origins", "https://a.example:443", "default port", "https://a.example"},
    {"allowed_origins", "https://a.example https://b.example", "commas", "https://a.example,https://b.example"},
    {"allowed_origins", "[\"https://a.example\"]", "quotes", "https://a.example"},
    {"allowed_origins", "wss://a.example", "browsers", "https://a.example"},
    {"allowed_origins", "*", "every page", ""},
    {"allowed_origins", "https://*.a.example", "wildcard", ""},
    {"allowed_hosts", "https://a.example", "URL", "a.example"},
    {"allowed_hosts", "a.example:8000", "port", "a.example"},
    {"trusted_proxies", "10.0.0.0/255.0.0.0", "bits", "10.0.0.0/8"},
    {"trusted_proxies", "10.0.*", "bits", "10.0.0.0/16"},
    {"trusted_proxies", "localhost", "names", "127.0.0.1"},
    {"trusted_proxies", "10.0.0.1:80", "port", "10.0.0.1"},
    {"trusted_proxies", "10.0.0.0/33", "bits", ""},
    {"trusted_proxies", "nginx", "names", ""},
    {"non_durable_rooms", "Live-%", "letters, digits", "Live-*"},
    {"non_durable_rooms", "caf\u00e9", "letters, digits", ""},
    {"jwt_algorithm", "hs-256", "", "HS256"},
    {"jwt_algorithm", "eddsa", "", "EdDSA"},
    {"database_url", "sqlite:///foyer.db", "data directory", "sqlite"},
    {"database_url", "mysql://db/foyer", "PostgreSQL", ""},
    {"database_url", "db.example:5432/foyer", "postgresql://", "postgresql://db.example:5432/foyer"},
    {"database_url", "jdbc:postgresql://db.example/foyer", "postgresql://", "postgresql://db.example/foyer"},
    {"database_url", "postgresql+asyncpg://db.example/foyer", "postgresql://", "postgresql://db.example/foyer"},
    {"database_url", "postgresql://u:p@ss/word@db.example/foyer", "%2F", ""},
    {"database_url", "u:hush-hush@db.example/foyer", "postgresql://", ""},
    {"nodes", "MANY", "lower case", "many"},
    {"bus_url", "bus.example:6379", "redis://", "redis://bus.example:6379"},
    {"bus_url", "valkey://bus.example", "redis://", "redis://bus.example"},
    {"bus_url", ":hush-hush@bus.example", "redis://", ""},
    {"bus_url", "redis+cluster://bus.example/1", "one database", ""},
    {"bus_url", "nats://bus.example", "not supported", ""},
    {"bus_url", "redis+sentinel://a,b", "name of the primary", ""},
    {"bus_url", "redis://u:p@ss/word@bus.example", "%2F", ""},
    {"bus_url", "redis://bus.example/db", "number of a database", ""},
};

TEST(Hints, WhatIsWrongAndWhatWasMeant) {
  for (const auto& each : kCases) {
    const Option& option = *find_option(each.option);
    const Hint hint = hint_for(option, each.written);
    EXPECT_THAT(hint.wrong, HasSubstr(each.wrong)) << each.option << "=" << each.written;
    EXPECT_EQ(hint.meant, each.meant) << each.option << "=" << each.written;
    Config scratch;
    EXPECT_FALSE(parse_value(option, each.written, scratch))
        << each.option << "=" << each.written << " is accepted unchanged";
  }
}

TEST(Hints, TheValueIsShownAsItIsWrittenAtItsPlace) {
  const auto fix = [](World world) { return world.only().fix; };
  EXPECT_EQ(fix({.args = {"--dev", "--listen", ":21010"}, .env = {}, .files = {}}), "Write --listen 127.0.0.1:21010");
  EXPECT_EQ(
      fix({.args = {"--dev"}, .env = {{"FOYER_DRAIN_TIMEOUT", "8"}}, .files = {}}), "Write FOYER_DRAIN_TIMEOUT=8s");
  EXPECT_EQ(fix({.args = {"--dev", "--config", "/c"}, .env = {}, .files = {{"/c", {"drain_timeout = 8"}}}}),
      "Write drain_timeout = \"8s\"");
  EXPECT_EQ(fix({.args = {"--dev", "--config", "/c"}, .env = {}, .files = {{"/c", {"tls_1_2 = \"enabled\""}}}}),
      "Write tls_1_2 = true");
  EXPECT_EQ(fix({.args = {}, .env = {{"ENVIRONMENT", "dev"}}, .files = {}}), "Write ENVIRONMENT=development");
  EXPECT_EQ(fix({.args = {"--dev"}, .env = {{"PUBLIC_URL", "chat.example.com"}}, .files = {}}),
      "Write PUBLIC_URL=https://chat.example.com");
}

TEST(Hints, ASecretIsNeverShown) {
  const std::string secret = "\"" + std::string(2'000, 's') + "\"";
  const Hint hint = hint_for(*find_option("api_key"), secret);
  EXPECT_THAT(hint.meant, IsEmpty());
  EXPECT_THAT(hint.wrong, AllOf(HasSubstr("2002"), Not(HasSubstr("sss"))));
}

// ---- consequences of another finding

TEST(Consequences, AConfigurationFileThatIsMissingIsTheOnlyFinding) {
  EXPECT_THAT((World{.args = {"--config", "/no"}, .env = {}, .files = {}}.codes()), ElementsAre("FILE_UNREADABLE"));
  const World broken{
      .args = {"--config", "/c"}, .env = {{"ENVIRONMENT", "production"}}, .files = {{"/c", {"not toml"}}}};
  EXPECT_THAT(broken.codes(), ElementsAre("INVALID_VALUE"));
}

TEST(Consequences, AMistypedNameIsNotAlsoAMissingValue) {
  EXPECT_THAT(
      (World{.args = {"--enviroment", "production"}, .env = {}, .files = {}}.codes()), ElementsAre("UNKNOWN_OPTION"));
  World world = staging_gateway();
  world.env.erase("SERVICE_SECRET");
  world.env["FOYER_SERVICE_SECRT"] = kServiceSecret;
  EXPECT_THAT(world.codes(), ElementsAre("UNKNOWN_OPTION"));
}

TEST(Consequences, ADeadlineThatCannotBeReadIsNotAlsoInverted) {
  const World world{.args = {"--dev"},
      .env = {{"FOYER_AUTH_DEADLINE", "5 parsecs"}, {"FOYER_AUTH_ATTEMPT_TIMEOUT", "20s"}},
      .files = {}};
  EXPECT_THAT(world.codes(), ElementsAre("INVALID_VALUE"));
}

// ---- files of secrets

TEST(SecretFiles, AMountedOneIsAWarningThatNamesTheMode) {
  World world = staging_gateway();
  world.env.erase("SERVICE_SECRET");
  world.env["SERVICE_SECRET_FILE"] = "/run/secrets/service";
  world.files["/run/secrets/service"] = {kServiceSecret, 0444, true};
  const Finding mounted = world.only();
  EXPECT_EQ(mounted.code, Cause::SECRET_FILE_EXPOSED);
  EXPECT_EQ(mounted.severity, Severity::warning);
  EXPECT_THAT(mounted.fix, AllOf(HasSubstr("mode: 0400"), HasSubstr("defaultMode: 0400")));
  world.files["/run/secrets/service"].mounted = false;
  EXPECT_EQ(world.only().severity, Severity::error);
  EXPECT_THAT(world.only().fix, HasSubstr("chmod 600"));
}

// ---- a gateway whose auth service is itself

TEST(Preflight, AGatewayThatPointsAtItself) {
  const std::pair<const char*, const char*> cases[] = {{"127.0.0.1:8000", "http://127.0.0.1:8000"},
      {"127.0.0.1:8000", "http://localhost:8000/"}, {"0.0.0.0:8000", "http://127.0.0.1:8000"},
      {"192.0.2.7:80", "http://192.0.2.7"}, {"[::1]:8000", "http://[::1]:8000"}};
  for (const auto& [listen, url] : cases) {
    World world = test_gateway();
    world.args.insert(world.args.end(), {"--listen", listen});
    world.env["AUTH_SERVICE_URL"] = url;
    EXPECT_THAT(world.codes(), Contains("GATEWAY_POINTS_AT_ITSELF")) << listen << " " << url;
  }
  World by_proxy = staging_gateway();
  by_proxy.env["AUTH_SERVICE_URL"] = "https://chat.example.com/";
  EXPECT_EQ(by_proxy.only().code, Cause::GATEWAY_POINTS_AT_ITSELF);
  EXPECT_EQ(by_proxy.only().severity, Severity::warning) << "a proxy may distinguish the two by path";
  World other = test_gateway();
  other.args.insert(other.args.end(), {"--listen", "127.0.0.1:8000"});
  other.env["AUTH_SERVICE_URL"] = "http://127.0.0.1:8001";
  EXPECT_THAT(other.codes(), IsEmpty());
}

} // namespace
} // namespace foyer::config

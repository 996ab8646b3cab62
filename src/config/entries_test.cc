// Lists of tables: [[issuer]] in TOML, and the same as JSON in a variable.
#include "config/entries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/report.h"
#include "config/testing/config_world.h"

namespace foyer::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

constexpr std::string_view kSecret = "Vb7!rT2m-Qk9wXz5Lp0sNc8dYh3fJg6a";

World with_toml(const std::string& text) {
  return {.args = {"--dev", "--config", "c.toml"},
      .env = {},
      .files = {{"c.toml", {text, 0644}}, {"/s", {std::string(kSecret), 0600}}}};
}
World with_variable(const std::string& json) {
  return {.args = {"--dev"}, .env = {{"FOYER_ISSUER", json}}, .files = {{"/s", {std::string(kSecret), 0600}}}};
}

const std::string kShop =
    "[[issuer]]\nname = \"shop\"\nissuer = \"https://shop.test/\"\nsecret_file = \"/s\"\n"
    "user_prefix = \"shop|\"\n";

TEST(Entries, TomlTablesAndAJsonArrayGiveTheSame) {
  const World toml = with_toml(kShop +
      "audience = [\"chat\", \"more\"]\nmap = { user = \"uid\" }\n"
      "scope_map = { \"roles:mod\" = \"chat:write\" }\n"
      "[[issuer]]\nname = \"b\"\nissuer = \"https://b.test\"\ndiscovery = true\naudience = [\"x\"]\n"
      "user_prefix = \"b|\"\n[issuer.scope_map]\n\"a:b\" = \"chat:read\"\n");
  const World variable = with_variable(R"([
    {"name":"shop","issuer":"https://shop.test/","secret_file":"/s","user_prefix":"shop|",
     "audience":["chat","more"],"map":{"user":"uid"},"scope_map":{"roles:mod":"chat:write"}},
    {"name":"b","issuer":"https://b.test","discovery":true,"audience":["x"],"user_prefix":"b|",
     "scope_map":{"a:b":"chat:read"}}])");
  EXPECT_THAT(toml.codes(), IsEmpty());
  EXPECT_THAT(variable.codes(), IsEmpty());
  const auto issuers = toml.loaded().config.issuers;
  ASSERT_EQ(issuers.size(), 2U);
  EXPECT_EQ(issuers[0].name, "shop");
  EXPECT_THAT(issuers[0].audience, ElementsAre("chat", "more"));
  EXPECT_EQ(issuers[0].map.at("user"), "uid");
  EXPECT_EQ(issuers[0].map.at("scope"), "scope") << "what is not named keeps its default";
  EXPECT_THAT(issuers[0].scope_map, ElementsAre(Pair("roles:mod", "chat:write")));
  EXPECT_THAT(issuers[0].allow_scopes, ElementsAre("chat:read", "chat:write"));
  EXPECT_TRUE(issuers[1].discovery);
  const Option& option = *find_option("issuer");
  EXPECT_EQ(format_value(option, toml.loaded().config), format_value(option, variable.loaded().config));
  EXPECT_EQ(configuration_fingerprint(toml.loaded().config), configuration_fingerprint(variable.loaded().config));
  EXPECT_NE(configuration_fingerprint(toml.loaded().config), configuration_fingerprint(with_toml("").loaded().config));
  // What `foyer check` shows can be given back as the variable.
  EXPECT_EQ(format_value(option, with_variable(format_value(option, toml.loaded().config)).loaded().config),
      format_value(option, toml.loaded().config));
}

TEST(Entries, AllFaultsAtOnceWithTheirPositionAndField) {
  const World world = with_toml(
      "[[issuer]]\nname = \"shop\"\nissuer = 7\njwks_uri = \"https://shop.test/k\"\n"
      "discovery = \"yes\"\naudience = \"chat\"\nalgorithms = [\"none\", \"RS256\"]\n"
      "map = { usr = \"uid\", name = 3 }\n\n[[issuer]]\nname = \"two words\"\n"
      "audience = [\" x\"]\nrequire = [1979-05-27]\n");
  struct Seen {
    std::string code, field, source;
    std::size_t entry;
    bool operator==(const Seen&) const = default;
  };
  std::vector<Seen> seen;
  for (const auto& f : world.loaded().findings)
    seen.push_back({std::string(code_of(f.code)), f.field, f.source, f.entry});
  const std::vector<Seen> expected{{"UNKNOWN_OPTION", "jwks_uri", "c.toml line 4 column 1", 1},
      {"INVALID_VALUE", "issuer", "c.toml line 3 column 1", 1},
      {"INVALID_VALUE", "discovery", "c.toml line 5 column 1", 1},
      {"INVALID_VALUE", "audience", "c.toml line 6 column 1", 1},
      {"INVALID_VALUE", "algorithms", "c.toml line 7 column 1", 1},
      {"INVALID_VALUE", "map", "c.toml line 8 column 1", 1}, {"UNKNOWN_OPTION", "map", "c.toml line 8 column 1", 1},
      {"INVALID_VALUE", "name", "c.toml line 11 column 1", 2},
      {"INVALID_VALUE", "issuer", "c.toml line 10 column 1", 2},
      {"ILLEGAL_CHARACTER", "audience", "c.toml line 12 column 1", 2},
      {"INVALID_VALUE", "require", "c.toml line 13 column 1", 2}};
  EXPECT_EQ(seen.size(), expected.size());
  for (const auto& each : expected)
    EXPECT_NE(std::ranges::find(seen, each), seen.end())
        << each.code << " " << each.field << " at " << each.source << " of entry " << each.entry;
  for (const auto& f : world.loaded().findings) {
    if (f.field == "jwks_uri") {
      EXPECT_EQ(f.message, "issuer \"shop\": unknown key jwks_uri. The nearest is jwks_url.");
    }
    if (f.field == "issuer" && f.entry == 2) {
      EXPECT_THAT(f.message, HasSubstr("is missing"));
    }
    EXPECT_EQ(f.option, "issuer");
    EXPECT_THAT(f.message, Not(HasSubstr("two words"))) << "a broken name is not repeated";
  }
  const auto json = finding_json(world.loaded().findings.front());
  EXPECT_EQ(json.at("entry"), 1);
  EXPECT_EQ(json.at("field"), "jwks_uri");
}

TEST(Entries, JsonNamesItsEntry) {
  const auto finding = with_variable(R"([{"name":"a"},{"name":"b","issuer":"x","audiense":["c"]}])").loaded().findings;
  ASSERT_EQ(finding.size(), 2U);
  EXPECT_EQ(finding[0].source, "environment FOYER_ISSUER, entry 1");
  EXPECT_THAT(finding[0].message, HasSubstr("issuer is missing"));
  EXPECT_EQ(finding[1].source, "environment FOYER_ISSUER, entry 2");
  EXPECT_THAT(finding[1].message, HasSubstr("audience"));
}

TEST(Entries, WhatIsNoListOfTables) {
  EXPECT_EQ(with_toml("[issuer]\nname = \"shop\"\nissuer = \"x\"\n").only().fix,
      "Write [[issuer]], with two brackets, above the keys of each.");
  for (const char* text :
      {"issuer = \"x\"\n", "issuer = [\"x\"]\n", "issuer = 3\n", "issuer = [{}, 3]\n", "[issuer]\n"})
    EXPECT_EQ(code_of(with_toml(text).only().code), "INVALID_VALUE") << text;
  EXPECT_THAT(with_toml("issuer = []\n").codes(), IsEmpty());
  for (const auto& [text, what] :
      {std::pair{"shop", "not JSON"}, {"{}", "it is a table"}, {"[1]", "element 1 is a number"},
          {"[{\"name\":\"a\",\"name\":\"b\"}]", "twice"}, {"\"x\"", "it is a text"}}) {
    const auto finding = with_variable(text).only();
    EXPECT_EQ(code_of(finding.code), "INVALID_VALUE") << text;
    EXPECT_THAT(finding.message, AllOf(HasSubstr("FOYER_ISSUER"), HasSubstr(what)));
  }
  std::string many = "[{}";
  for (int i = 0; i < 32; ++i) many += ",{}";
  EXPECT_THAT(with_variable(many + "]").only().message, HasSubstr("it has 33 entries"));
}

TEST(Entries, AVariableReplacesTheTablesOfTheFileAndMayBeAFile) {
  World world = with_toml(kShop);
  world.env["FOYER_ISSUER_FILE"] = "/issuers.json";
  world.files["/issuers.json"] = {
      "[\n  {\"name\": \"b\", \"issuer\": \"b\", \"secret_file\": \"/s\", \"user_prefix\": \"b|\"}\n]\n", 0644};
  EXPECT_THAT(world.codes(), IsEmpty());
  ASSERT_EQ(world.loaded().config.issuers.size(), 1U);
  EXPECT_EQ(world.loaded().config.issuers[0].name, "b");
  EXPECT_EQ(world.loaded().source_of("issuer").text, "file /issuers.json (FOYER_ISSUER_FILE)");
}

TEST(Entries, TheDocumentationHasEveryKey) {
  const std::string page = configuration_markdown();
  for (const auto& field : kIssuers.fields) EXPECT_THAT(page, HasSubstr("\n| `" + std::string(field.name) + "` | "));
  EXPECT_THAT(page, HasSubstr("| `token_types` | a list: text | `[\"JWT\",\"at+jwt\"]` |"));
}

// The rules between values.

std::string table(const std::string& lines) {
  return "[[issuer]]\nname = \"shop\"\nissuer = \"https://shop.test\"\nuser_prefix = \"shop|\"\n" + lines;
}

TEST(Issuers, Preflight) {
  const struct {
    const char* lines;
    const char* code;
    const char* field;
  } kCases[] = {
      {"", "MISSING_JWT_SECRET", "jwks_url"},
      {"jwks_url = \"https://a.test/k\"\naudience = [\"c\"]\nsecret_file = \"/s\"", "CONFLICTING_KEYS", "secret_file"},
      {"jwks_url = \"https://a.test/k\"", "INVALID_VALUE", "audience"},
      {"jwks_url = \"nonsense\"\naudience = [\"c\"]", "INVALID_URL", "jwks_url"},
      {"jwks_url = \"ftp://a.test/k\"\naudience = [\"c\"]", "INVALID_URL", "jwks_url"},
      {"jwks_url = \"https://u:p@a.test/k\"\naudience = [\"c\"]", "INVALID_URL", "jwks_url"},
      {"jwks_url = \"http://a.test/k\"\naudience = [\"c\"]", "INSECURE_URL", "jwks_url"},
      {"jwks_url = \"https://a.test/k\"\naudience = [\"c\"]\nalgorithms = [\"HS256\"]", "CONFLICTING_KEYS",
          "algorithms"},
      {"jwks_url = \"https://a.test/k\"\naudience = [\"c\"]\nca_file = \"/none\"", "FILE_UNREADABLE", "ca_file"},
      {"secret_file = \"/none\"", "KEY_UNREADABLE", "secret_file"},
      {"secret_file = \"/open\"", "SECRET_FILE_EXPOSED", "secret_file"},
      {"secret_file = \"/short\"", "WEAK_SECRET", "secret_file"},
      {"secret_file = \"/pem\"", "KEY_UNREADABLE", "secret_file"},
      {"secret_file = \"/s\"\nalgorithms = [\"HS256\", \"HS384\"]", "CONFLICTING_KEYS", "algorithms"},
      {"secret_file = \"/s\"\nalgorithms = [\"RS256\"]", "CONFLICTING_KEYS", "algorithms"},
      {"secret_file = \"/s\"\nalgorithms = [\"HS512\"]", "WEAK_SECRET", "secret_file"},
      {"secret_file = \"/own\"", "SECRET_REUSED", "secret_file"},
      {"public_key_file = \"/s\"", "KEY_UNREADABLE", "public_key_file"},
      {"public_key_file = \"/private\"", "KEY_UNREADABLE", "public_key_file"},
      {"public_key_file = \"/pem\"\nalgorithms = [\"RS256\"]", "CONFLICTING_KEYS", "algorithms"},
      {"secret_file = \"/s\"\ntoken_types = []", "INVALID_VALUE", "token_types"},
      {"secret_file = \"/s\"\nallow_scopes = [\"chat:read\"]\ndefault_scope = \"chat:write\"", "INVALID_VALUE",
          "default_scope"},
      {"secret_file = \"/s\"\nscope_map = { \"roles\" = \"chat:write\" }", "INVALID_VALUE", "scope_map"},
      {"secret_file = \"/s\"\nscope_map = { \"roles:boss\" = \"admin\" }", "INVALID_VALUE", "scope_map"},
      {"secret_file = \"/s\"\nallow_scopes = [\"chat:reed\"]", "INVALID_VALUE", "allow_scopes"},
  };
  FixedEntropy entropy(7);
  const auto pair = jose::Key::generate(jose::Algorithm::eddsa, entropy);
  for (const auto& each : kCases) {
    World world = with_toml(table(each.lines));
    world.files["/open"] = {std::string(kSecret), 0644};
    world.files["/short"] = {"short", 0600};
    world.files["/private"] = {pair.to_pem(), 0600};
    world.files["/pem"] = {pair.public_part().to_pem(), 0600};
    world.files["/own"] = {kServiceSecret, 0600};
    world.env["SERVICE_SECRET"] = kServiceSecret;
    const auto finding = world.only();
    EXPECT_EQ(code_of(finding.code), each.code) << each.lines << "\n" << finding.message;
    EXPECT_EQ(finding.field, each.field) << each.lines;
    EXPECT_EQ(finding.entry, 1U);
  }
}

TEST(Issuers, PrefixesKeepUsersApart) {
  const auto codes = [](const std::string& prefix) {
    return with_toml("[[issuer]]\nname = \"a\"\nissuer = \"a\"\nsecret_file = \"/s\"\n" + prefix).codes();
  };
  EXPECT_THAT(codes("user_prefix = \"a|\"\n"), IsEmpty());
  for (const char* bad :
      {"", "user_prefix = \"a\"\n", "user_prefix = \"|\"\n", "user_prefix = \"a b|\"\n", "user_prefix = \"u_x|\"\n",
          "user_prefix = \"app:x|\"\n", "user_prefix = \"system:|\"\n", "user_prefix = \"~|\"\n"})
    EXPECT_THAT(codes(bad), ElementsAre("ISSUER_PREFIX_CONFLICT")) << bad;
  const auto two = [](const char* first, const char* second) {
    World world = with_toml(
        std::string("[[issuer]]\nname = \"a\"\nissuer = \"a\"\nsecret_file = \"/s\"\nuser_prefix = \"") + first +
        "\"\n[[issuer]]\nname = \"b\"\nissuer = \"b\"\nsecret_file = \"/t\"\nuser_prefix = \"" + second + "\"\n");
    world.files["/t"] = {"another-Vb7!rT2m-Qk9wXz5Lp0sNc8dYh3", 0600};
    return world.codes();
  };
  EXPECT_THAT(two("a|", "b|"), IsEmpty());
  EXPECT_THAT(two("a|", "a|"), ElementsAre("ISSUER_PREFIX_CONFLICT"));
  EXPECT_THAT(two("a|", "a|b|"), ElementsAre("ISSUER_PREFIX_CONFLICT")) << "a's user b|1 would be b's user 1";
}

TEST(Issuers, EachHasItsOwnNameIssuerAndSecret) {
  World world = with_toml(kShop + kShop);
  EXPECT_THAT(world.codes(), ElementsAre("INVALID_VALUE", "INVALID_VALUE", "SECRET_REUSED", "ISSUER_PREFIX_CONFLICT"));
  world = with_toml("jwt_issuer = \"https://shop.test/\"\n" + kShop);
  EXPECT_EQ(world.only().field, "issuer") << "our own";
}

TEST(Issuers, HttpsIsRequiredInProduction) {
  World world = staging_gateway();
  world.env["FOYER_ISSUER"] =
      R"([{"name":"a","issuer":"http://127.0.0.1:1","discovery":true,"audience":["c"],"user_prefix":"a|"}])";
  EXPECT_THAT(world.codes(), ElementsAre("INSECURE_URL"));
  EXPECT_EQ(world.only().severity, Severity::error);
}

} // namespace
} // namespace foyer::config

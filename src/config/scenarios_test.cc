// The configuration incidents that led to this design, and twelve faults at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "config/testing/config_world.h"

namespace foyer::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST(ScenariosThatStartedIt, ServiceSecretMissing) {
  World world = test_gateway();
  world.env.erase("SERVICE_SECRET");
  const auto finding = world.only();
  EXPECT_EQ(code_of(finding.code), "MISSING_SERVICE_SECRET");
  EXPECT_THAT(finding.message, HasSubstr("SERVICE_SECRET"));
  EXPECT_EQ(finding.env, "SERVICE_SECRET");
  EXPECT_EQ(finding.source, "not set");
  EXPECT_EQ(finding.severity, Severity::error);
  EXPECT_FALSE(is_fit(world.findings())) << "so serve does not listen";
}

TEST(ScenariosThatStartedIt, JwtSecretKeyMissing) {
  World world = test_gateway();
  world.env.erase("JWT_SECRET_KEY");
  const auto finding = world.only();
  EXPECT_EQ(code_of(finding.code), "MISSING_JWT_SECRET");
  EXPECT_THAT(finding.message, HasSubstr("JWT_SECRET_KEY"));
  EXPECT_THAT(finding.message, HasSubstr("JWT_JWKS_URL"));
}

TEST(ScenariosThatStartedIt, JwtSecretKeyWeak) {
  World world = test_gateway();
  world.env["JWT_SECRET_KEY"] = "abc";
  const auto finding = world.only();
  EXPECT_EQ(code_of(finding.code), "WEAK_SECRET");
  EXPECT_EQ(finding.message, "JWT_SECRET_KEY must have at least 32 characters and has 3.");
  EXPECT_EQ(finding.source, "environment JWT_SECRET_KEY");
}

TEST(ScenariosThatStartedIt, AuthServiceUrlMissing) {
  World world = test_gateway();
  world.env.erase("AUTH_SERVICE_URL");
  EXPECT_EQ(code_of(world.only().code), "MISSING_AUTH_SERVICE_URL");
}

TEST(ScenariosThatStartedIt, AuthServiceUrlNotAUrl) {
  World world = test_gateway();
  world.env["AUTH_SERVICE_URL"] = "not-a-valid-url";
  EXPECT_EQ(code_of(world.only().code), "INVALID_URL");
  EXPECT_THAT(world.only().message, HasSubstr("AUTH_SERVICE_URL"));
}

TEST(ScenariosThatStartedIt, AuthServiceUrlPort99999) {
  World world = test_gateway();
  world.env["AUTH_SERVICE_URL"] = "http://auth.internal.example.com:99999";
  EXPECT_EQ(code_of(world.only().code), "INVALID_URL");
  EXPECT_THAT(world.only().message, HasSubstr("port"));
}

TEST(ScenariosThatStartedIt, StagingWithNoneOfTheThree) {
  World world = staging_gateway();
  for (const char* name : {"SERVICE_SECRET", "JWT_SECRET_KEY", "AUTH_SERVICE_URL"}) world.env.erase(name);
  EXPECT_THAT(
      world.codes(), UnorderedElementsAre("MISSING_SERVICE_SECRET", "MISSING_JWT_SECRET", "MISSING_AUTH_SERVICE_URL"));
}

TEST(ScenariosThatStartedIt, EverythingPresent) {
  EXPECT_THAT(staging_gateway().codes(), IsEmpty());
  EXPECT_THAT(test_gateway().codes(), IsEmpty());
  World production = staging_gateway();
  production.env["ENVIRONMENT"] = "production";
  EXPECT_THAT(production.codes(), IsEmpty());
}

TEST(ScenariosThatStartedIt, CarriageReturnInServiceId) {
  World world = staging_gateway();
  world.env["SERVICE_ID"] = "backend\r";
  const auto finding = world.only();
  EXPECT_EQ(code_of(finding.code), "ILLEGAL_CHARACTER");
  EXPECT_EQ(finding.message, "SERVICE_ID: character 8 of 8 is a carriage return.");
}

// Reads NAME=VALUE lines as a shell would: comments, and single quotes around a value.
Variables read_env_file(const std::string& path) {
  Variables out;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const auto equals = line.find('=');
    if (line.starts_with('#') || equals == std::string::npos) continue;
    std::string value = line.substr(equals + 1);
    if (value.starts_with('\'')) value = value.substr(1, value.size() - 2);
    out[line.substr(0, equals)] = value;
  }
  return out;
}

TEST(Preflight, ReportsTwelvePlantedFaultsInOneRun) {
  const std::string fixtures = FOYER_SOURCE_DIR "/tests/system/fixtures/";
  World world;
  world.env = read_env_file(fixtures + "twelve-faults.env");
  std::ifstream toml(fixtures + "twelve-faults.toml");
  std::stringstream text;
  text << toml.rdbuf();
  world.files["twelve-faults.toml"] = {text.str(), 0644};
  world.args = {"--config", "twelve-faults.toml"};
  EXPECT_THAT(world.codes(),
      UnorderedElementsAre("MISSING_SERVICE_SECRET", "MISSING_PUBLIC_URL", "WEAK_SECRET", "INSECURE_URL",
          "LOOPBACK_IN_PRODUCTION", "ILLEGAL_CHARACTER", "PLACEHOLDER_VALUE", "CONFLICTING_SOURCES", "UNKNOWN_OPTION",
          "INVALID_VALUE", "TIMEOUTS_INVERTED", "HEARTBEAT_TOO_SLOW"));
  for (const auto& finding : world.findings()) {
    EXPECT_FALSE(finding.message.empty() || finding.fix.empty() || finding.source.empty()) << code_of(finding.code);
    for (const char* value : {"abc", "changeme", "chat gateway", "lots"})
      EXPECT_THAT(finding.message + finding.fix + finding.source, testing::Not(HasSubstr(value)));
  }
}

} // namespace
} // namespace foyer::config

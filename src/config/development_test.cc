#include "config/development.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "config/testing/config_world.h"
#include "jose/jwk.h"

namespace foyer::config {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

// A temporary directory.
struct TemporaryDirectory {
  std::string path =
      (std::filesystem::temp_directory_path() / ("foyer-config-test-" + system_entropy().short_id())).string();
  TemporaryDirectory() { std::filesystem::create_directory(path); }
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
};

TEST(GeneratedSecrets, AreMadeOncePrivateAndKept) {
  const TemporaryDirectory directory;
  World world{.args = {"--dev", "--data", directory.path}, .env = {}, .files = {}};
  Loaded first = world.loaded();
  FixedEntropy entropy;
  EXPECT_THAT(adopt_generated_secrets(first, system_files()), IsEmpty());
  EXPECT_EQ(first.config.service_secret, "") << "check generates nothing";
  EXPECT_THAT(generate_secrets(first, system_files(), entropy), IsEmpty());
  EXPECT_EQ(first.config.service_secret.size(), 43U);
  EXPECT_EQ(first.config.api_key.size(), 43U);
  EXPECT_EQ(first.config.jwt_private_key_file, directory.path + "/jwt_key.pem");
  EXPECT_EQ(first.source_of("api_key").kind, Source::Kind::generated);
  for (const auto& g : kGenerated) {
    struct stat about{};
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

TEST(GeneratedSecrets, WithoutAccountsThereIsOnlyTheOperatorsKey) {
  const TemporaryDirectory directory;
  World world{.args = {"--dev", "--data", directory.path, "--identity", "external"}, .env = {}, .files = {}};
  Loaded loaded = world.loaded();
  FixedEntropy entropy;
  EXPECT_THAT(generate_secrets(loaded, system_files(), entropy), IsEmpty());
  EXPECT_EQ(loaded.config.api_key.size(), 43U);
  EXPECT_EQ(loaded.config.service_secret, "");
  EXPECT_EQ(loaded.config.jwt_private_key_file, "");
}

TEST(GeneratedSecrets, TheKeyPairIsForTheAlgorithmThatIsAskedFor) {
  const TemporaryDirectory directory;
  World world{.args = {"--dev", "--data", directory.path}, .env = {{"JWT_ALGORITHM", "ES384"}}, .files = {}};
  FixedEntropy entropy;
  Loaded loaded = world.loaded();
  EXPECT_THAT(generate_secrets(loaded, system_files(), entropy), IsEmpty());
  EXPECT_EQ(jose::Key::parse_any(system_files()(directory.path + "/jwt_key.pem")->bytes)->algorithm(),
      jose::Algorithm::es384);
  world.env["JWT_ALGORITHM"] = "RS256";
  loaded = world.loaded();
  const auto found = generate_secrets(loaded, system_files(), entropy);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(code_of(found[0].code), "CONFLICTING_KEYS");
}

TEST(GeneratedSecrets, GivenOnesAreNotReplaced) {
  const TemporaryDirectory directory;
  World world{.args = {"--dev", "--data", directory.path},
      .env = {{"SERVICE_SECRET", kServiceSecret}, {"JWT_SECRET_KEY", kTokenSecret}},
      .files = {}};
  Loaded loaded = world.loaded();
  FixedEntropy entropy;
  EXPECT_THAT(generate_secrets(loaded, system_files(), entropy), IsEmpty());
  EXPECT_EQ(loaded.config.service_secret, kServiceSecret);
  EXPECT_EQ(loaded.config.jwt_private_key_file, "");
  EXPECT_FALSE(std::filesystem::exists(directory.path + "/jwt_key.pem"));
}

TEST(GeneratedSecrets, ExistInNoOtherEnvironment) {
  const TemporaryDirectory directory;
  for (const std::vector<std::string>& args : {std::vector<std::string>{"--environment", "test"},
           {"--environment", "production"}, {"--dev", "--role", "auth"}}) {
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

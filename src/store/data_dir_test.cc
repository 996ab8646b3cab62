// The data directory and its files.
#include "store/data_dir.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/testing/store_world.h"

namespace foyer::store {
namespace {

using testing_world::TempDir;

TEST(DataDir, IsMadeForItsOwnerAlone) {
  TempDir dir;
  auto data = DataDir::open(dir.file("deep/data"));
  ASSERT_TRUE(data) << data.error().operator_text();
  struct stat status{};
  ASSERT_EQ(::stat(data->path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
  EXPECT_TRUE(std::filesystem::is_empty(data->path()));
}

TEST(DataDir, AFileInItsPlaceIsDataUnwritable) {
  TempDir dir;
  dir.write("data", "x");
  EXPECT_EQ(DataDir::open(dir.file("data")).error().cause, Cause::DATA_UNWRITABLE);
  EXPECT_EQ(DataDir::existing(dir.file("absent")).error().cause, Cause::DATA_UNWRITABLE);
}

TEST(DataDir, WithoutRightsIsDataUnwritable) {
  TempDir dir;
  ASSERT_EQ(::chmod(dir.path().c_str(), 0755), 0);
  std::filesystem::create_directory(dir.file("data"));
  ASSERT_EQ(::chmod(dir.file("data").c_str(), 0555), 0);
  // The superuser may write everywhere, so a child without its rights checks.
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (::getuid() == 0 && ::setuid(65534) != 0) ::_exit(3);
    auto data = DataDir::open(dir.file("data"));
    ::_exit(!data && data.error().cause == Cause::DATA_UNWRITABLE ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(DataDir, BelongsToOneServerAtATime) {
  TempDir dir;
  auto first = DataDir::open(dir.file("data"));
  auto second = DataDir::open(dir.file("data"));
  {
    DataDir server = std::move(*first);
    ASSERT_TRUE(server.lock());
    EXPECT_EQ(second->lock().error().cause, Cause::DATA_IN_USE);
  }
  EXPECT_TRUE(second->lock());
}

TEST(DataDir, BelongsToOneEnvironmentForGood) {
  TempDir dir;
  auto data = DataDir::open(dir.file("data"));
  EXPECT_EQ(data->environment(), std::nullopt);
  ASSERT_TRUE(data->claim("staging"));
  ASSERT_TRUE(data->claim("staging"));
  auto refused = data->claim("production");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::DATA_ENVIRONMENT_MISMATCH);
  EXPECT_EQ(data->environment(), "staging");
}

TEST(DataDir, TheStatusIsThereWhileItServes) {
  TempDir dir;
  auto data = DataDir::open(dir.file("data"));
  EXPECT_EQ(data->read_status().error().cause, Cause::FILE_UNREADABLE);
  ASSERT_TRUE(data->write_status(R"({"pid":1})"));
  ASSERT_TRUE(data->write_status(R"({"pid":2})"));
  EXPECT_EQ(data->read_status(), R"({"pid":2})");
  data->remove_status();
  EXPECT_FALSE(data->read_status());
}

TEST(DataDir, ASecretIsMadeOncePrivateAndKept) {
  TempDir dir;
  FixedEntropy entropy;
  auto data = DataDir::open(dir.file("data"));
  auto first = data->secret("api_key", entropy);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->size(), 43U);
  EXPECT_EQ(data->secret("api_key", entropy), *first);
  struct stat status{};
  ASSERT_EQ(::stat(data->file("api_key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST(File, LargerThanItsLimitIsFileUnreadable) {
  TempDir dir;
  dir.write("big", std::string(5000, 'x'));
  EXPECT_EQ(read_file(dir.file("big"), 4096).error().cause, Cause::FILE_UNREADABLE);
  EXPECT_EQ(read_file(dir.file("big")).value().size(), 5000U);
}

} // namespace
} // namespace foyer::store

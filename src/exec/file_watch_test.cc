#include "exec/file_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <semaphore>

using namespace foyer;
using namespace foyer::exec;
using testing::ElementsAre;
namespace fs = std::filesystem;

namespace {

struct Folder {
  Folder()
      : path(fs::canonical(testing::TempDir()) /
            ("foyer_watch_" + std::to_string(::getpid()) + "_" +
                testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name) << text; }
  [[nodiscard]] std::string at(const std::string& name) const { return (path / name).string(); }
  fs::path path;
};

// A plane and a watch whose reports can be awaited.
struct Watching {
  explicit Watching(std::vector<std::string> paths)
      : watch(plane, std::move(paths), Millis{20}, [this] { changed.release(); }) {}
  ~Watching() { plane.stop(); }
  bool has_changed() { return changed.try_acquire_for(std::chrono::seconds(20)); }
  std::counting_semaphore<> changed{0};
  ControlPlane plane;
  FileWatch watch;
};

} // namespace

TEST(FileWatch, FollowsTheWayOfAPath) {
  const Folder folder;
  fs::create_directories(folder.path / "data1");
  folder.write("data1/tls.crt", "one");
  fs::create_directory_symlink("data1", folder.path / "..data");
  fs::create_symlink("..data/tls.crt", folder.path / "tls.crt");
  EXPECT_THAT(directories_of(folder.at("tls.crt")), ElementsAre(folder.path.string(), folder.at("data1")));
  EXPECT_THAT(directories_of(folder.at("data1/tls.crt")), ElementsAre(folder.at("data1")));
  EXPECT_THAT(directories_of(folder.at("none/tls.crt")), ElementsAre(folder.path.string())) << "as far as it exists";
  fs::create_symlink("loop", folder.path / "loop");
  EXPECT_THAT(directories_of(folder.at("loop")), ElementsAre(folder.path.string()));
}

TEST(FileWatch, ReportsAnOverwrittenFile) {
  const Folder folder;
  folder.write("a.pem", "one");
  Watching w({folder.at("a.pem")});
  folder.write("a.pem", "two");
  EXPECT_TRUE(w.has_changed());
}

TEST(FileWatch, ReportsEachOfManyRenames) {
  const Folder folder;
  folder.write("a.pem", "one");
  Watching w({folder.at("a.pem")});
  for (int i = 0; i < 3; ++i) {
    folder.write("new.pem", "next");
    fs::rename(folder.path / "new.pem", folder.path / "a.pem");
    EXPECT_TRUE(w.has_changed());
  }
}

TEST(FileWatch, ReportsALinkOnTheWayThatPointsElsewhere) {
  const Folder folder;
  for (const char* name : {"data1", "data2", "data3"}) {
    fs::create_directories(folder.path / name);
    folder.write(std::string(name) + "/tls.crt", name);
  }
  fs::create_directory_symlink("data1", folder.path / "..data");
  fs::create_symlink("..data/tls.crt", folder.path / "tls.crt");
  Watching w({folder.at("tls.crt")});
  for (const char* name : {"data2", "data3"}) {
    fs::create_directory_symlink(name, folder.path / "..data_tmp");
    fs::rename(folder.path / "..data_tmp", folder.path / "..data");
    EXPECT_TRUE(w.has_changed());
  }
  folder.write("data3/tls.crt", "in place");
  EXPECT_TRUE(w.has_changed()) << "its new target";
}

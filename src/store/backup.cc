#include "store/backup.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "store/archive.h"
#include "store/sqlite.h"

namespace foyer::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDatabase = ".sqlite";
constexpr std::uintmax_t kSmallFile = 1 << 20;

// Files of the running process, and files of databases, which are copied separately.
bool is_passing(std::string_view name) {
  return name == "foyer.json" || name.starts_with('.') || name.ends_with(".lock") || name.ends_with(".new") ||
      name.ends_with("-wal") || name.ends_with("-shm") || name.ends_with("-journal");
}

// A tar file (POSIX ustar): an earlier backup that was written into the data directory.
bool is_archive(const fs::path& file) {
  constexpr std::streamoff kMagicAt = 257;
  std::array<char, 5> magic{};
  std::ifstream in(file, std::ios::binary);
  in.seekg(kMagicAt).read(magic.data(), magic.size());
  return in && std::string_view(magic.data(), magic.size()) == "ustar";
}

class WorkingDirectory {
 public:
  static Result<WorkingDirectory> beside(const std::string& file) {
    std::string pattern = file + ".XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr)
      return refuse(
          Cause::DATA_UNWRITABLE, fmt::format("{}: {}", fs::path(file).parent_path().string(), std::strerror(errno)));
    return WorkingDirectory(std::move(pattern));
  }
  WorkingDirectory(WorkingDirectory&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  WorkingDirectory& operator=(WorkingDirectory&&) = delete;
  ~WorkingDirectory() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  explicit WorkingDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

Result<void> check(const std::string& copy) {
  TRY(db, open_sqlite(copy, {.access = Access::read_only}));
  TRY(rows, db->query("PRAGMA quick_check(1)"));
  TRY(row, rows.step());
  if (!row || rows.view(0) != "ok")
    return refuse(Cause::STORE_FAILED, fmt::format("{} is damaged: {}", copy, row ? rows.view(0) : ""));
  return {};
}

} // namespace

Result<BackedUp> back_up(const std::string& data, const std::string& file, const Clock& clock,
    const std::function<Result<void>(const std::string& name, const std::string& copy)>& copied) {
  std::vector<std::string> names;
  bool any_database = false;
  std::error_code error;
  for (fs::directory_iterator entry(data, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (is_passing(name) || !entry->is_regular_file(error)) continue;
    const bool database = name.ends_with(kDatabase);
    if (!database && (entry->file_size(error) > kSmallFile || is_archive(entry->path()))) continue;
    any_database = any_database || database;
    names.push_back(name);
  }
  if (error) return refuse(Cause::DATA_UNWRITABLE, fmt::format("{}: {}", data, error.message()));
  if (!any_database) return refuse(Cause::NOT_FOUND, fmt::format("{} holds no database", data));
  std::ranges::sort(names);

  TRY(working, WorkingDirectory::beside(file));
  const std::string whole = working.file("archive.tar");
  TRY(archive, ArchiveWriter::create(whole));
  BackedUp done;
  for (const std::string& name : names) {
    const std::string original = (fs::path(data) / name).string();
    std::string packed = original;
    if (name.ends_with(kDatabase)) {
      packed = working.file(name);
      TRY_VOID(copy_database(original, packed));
      TRY_VOID(copied(name, packed));
      TRY_VOID(check(packed));
    }
    TRY(bytes, archive.add(packed, name, clock.wall()));
    if (packed != original) ::unlink(packed.c_str());
    done.files.push_back(name);
    done.bytes += bytes;
  }
  TRY_VOID(archive.finish());
  if (::rename(whole.c_str(), file.c_str()) != 0)
    return refuse(Cause::DATA_UNWRITABLE, fmt::format("{}: {}", file, std::strerror(errno)));
  return done;
}

} // namespace foyer::store

#include "store/data_dir.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/bytes.h"
#include "base/json.h"

namespace foyer::store {
namespace {

constexpr std::string_view kLock = "foyer.lock";
constexpr std::string_view kEnvironment = "environment";
constexpr std::string_view kStatus = "foyer.json";

std::string without_line_end(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

// For a directory that does not exist yet: this user must be allowed to create it in the nearest existing one.
Result<void> could_be_made(const std::string& path) {
  std::error_code error;
  auto above = std::filesystem::absolute(path, error);
  while (!error && above.has_relative_path() && !std::filesystem::exists(above, error) && !error)
    above = above.parent_path();
  if (error) return refuse(Cause::DATA_UNWRITABLE, fmt::format("{}: {}", path, error.message()));
  if (!std::filesystem::is_directory(above, error))
    return refuse(Cause::DATA_UNWRITABLE, fmt::format("{} is not a directory", above.string()));
  if (::access(above.c_str(), W_OK | X_OK) != 0)
    return refuse(Cause::DATA_UNWRITABLE, fmt::format("{}: {}", path, std::strerror(errno)));
  return {};
}

} // namespace

Result<DataDir> DataDir::open(std::string path) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(path, error);
  if (error) return refuse(Cause::DATA_UNWRITABLE, fmt::format("{}: {}", path, error.message()));
  if (made) ::chmod(path.c_str(), 0700);
  TRY(directory, existing(std::move(path)));
  TRY_VOID(directory.try_to_write());
  return directory;
}

// Permissions do not show a read-only or full file system: writing a file does.
Result<void> DataDir::try_to_write() const {
  const std::string trial = file(fmt::format(".trial.{}", ::getpid()));
  TRY_VOID(write_file_atomically(trial, "x"));
  ::unlink(trial.c_str());
  return {};
}

Result<void> DataDir::examine(const std::string& path, std::string_view environment) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 && errno == ENOENT) return could_be_made(path);
  TRY(directory, existing(path));
  TRY_VOID(directory.try_to_write());
  if (::access(directory.file(kLock).c_str(), F_OK) == 0)
    if (auto free = FileLock::take(directory.file(kLock), Cause::DATA_IN_USE); !free)
      return std::unexpected(directory.with_holder(std::move(free).error()));
  return environment.empty() ? Result<void>{} : directory.belongs_to(environment);
}

// The process that holds the directory, according to DATA/foyer.json.
Refusal DataDir::with_holder(Refusal refusal) const {
  const auto status = read_status();
  if (refusal.cause != Cause::DATA_IN_USE || !status) return refusal;
  const auto value = json::parse(*status);
  if (!value || !value->is_object()) return refusal;
  const auto pid = json::get_int(value->get_object(), "pid");
  const auto url = json::get_string(value->get_object(), "url");
  if (pid && url) refusal.evidence += fmt::format(", process {} at {}", *pid, printable(*url, 128));
  return refusal;
}

Result<DataDir> DataDir::existing(std::string path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0)
    return refuse(Cause::DATA_UNWRITABLE, fmt::format("{}: {}", path, std::strerror(errno)));
  if (!S_ISDIR(status.st_mode)) return refuse(Cause::DATA_UNWRITABLE, fmt::format("{} is not a directory", path));
  return DataDir(std::move(path));
}

std::string DataDir::file(std::string_view name) const { return (std::filesystem::path(path_) / name).string(); }

Result<void> DataDir::lock() {
  auto taken = FileLock::take(file(kLock), Cause::DATA_IN_USE);
  if (!taken) return std::unexpected(with_holder(std::move(taken).error()));
  lock_ = std::move(*taken);
  return {};
}

std::optional<std::string> DataDir::environment() const {
  auto noted = read_file(file(kEnvironment), 256);
  if (!noted) return std::nullopt;
  return without_line_end(std::move(*noted));
}

Result<void> DataDir::claim(std::string_view wanted) {
  TRY_VOID(belongs_to(wanted));
  return environment() ? Result<void>{} : write_file_atomically(file(kEnvironment), fmt::format("{}\n", wanted));
}

Result<void> DataDir::belongs_to(std::string_view wanted) const {
  const auto noted = environment();
  if (!noted && ::access(file(kEnvironment).c_str(), F_OK) == 0)
    return refuse(Cause::DATA_UNWRITABLE, fmt::format("{} cannot be read", file(kEnvironment)));
  if (noted && *noted != wanted)
    return refuse(Cause::DATA_ENVIRONMENT_MISMATCH,
        fmt::format(
            "{} belongs to the environment {}, but this process runs in {}", path_, printable(*noted, 32), wanted));
  return {};
}

Result<void> DataDir::write_status(std::string_view json) { return write_file_atomically(file(kStatus), json); }
Result<std::string> DataDir::read_status() const { return read_file(file(kStatus)); }
void DataDir::remove_status() { ::unlink(file(kStatus).c_str()); }

Result<std::string> DataDir::secret(std::string_view name, Entropy& entropy) {
  const std::string where = file(name);
  if (::access(where.c_str(), F_OK) == 0) {
    TRY(text, read_file(where, 4096));
    return without_line_end(std::move(text));
  }
  std::string text = entropy.token();
  TRY_VOID(write_file_atomically(where, text + "\n"));
  return text;
}

} // namespace foyer::store

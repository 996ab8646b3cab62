#include "cli/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace foyer::cli {
namespace {

constexpr mode_t kMode = 0640;

bool same_file(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

} // namespace

LogFile::LogFile() {
  struct stat error{};
  struct stat output{};
  if (::fstat(STDERR_FILENO, &error) != 0 || !S_ISREG(error.st_mode)) return;
  std::error_code fault;
  path_ = std::filesystem::read_symlink("/proc/self/fd/2", fault).string();
  output_too_ = ::fstat(STDOUT_FILENO, &output) == 0 && same_file(error, output);
}

LogFile::Reopened LogFile::reopen() const {
  if (path_.empty()) return Reopened::no_file;
  const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, kMode);
  if (fd < 0) return Reopened::failed;
  const bool taken = ::dup2(fd, STDERR_FILENO) >= 0 && (!output_too_ || ::dup2(fd, STDOUT_FILENO) >= 0);
  ::close(fd);
  return taken ? Reopened::yes : Reopened::failed;
}

} // namespace foyer::cli

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "config/load.h"

extern char** environ;

namespace foyer::config {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;

std::string phrase(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR: return "does not exist";
    case EACCES:
    case EPERM: return "is not readable by this user";
    case EISDIR: return "is a directory";
    default: return "cannot be read";
  }
}

constexpr decltype(std::declval<struct statfs>().f_type) kTmpfs = 0x01021994;

// "/secrets/..2026_11_29_12_00_00.1/key": Kubernetes swaps such directories behind a link.
bool is_kubernetes_volume(std::string_view path) {
  for (auto at = path.find("/.."); at != std::string_view::npos; at = path.find("/..", at + 1)) {
    const auto name = path.substr(at + 3, 5);
    if (name.size() == 5 && name[4] == '_' &&
        std::ranges::all_of(name.substr(0, 4), [](char c) { return c >= '0' && c <= '9'; }))
      return true;
  }
  return false;
}

// Whether a container runtime mounted the file here, with a mode that the user did not choose.
bool is_mounted(int fd, std::uint32_t mode) {
  struct statvfs mount{};
  if (::fstatvfs(fd, &mount) == 0 && (mount.f_flag & ST_RDONLY) != 0) return true;
  if ((mode & 02) != 0) return false; // the user opened it to others
  std::error_code error;
  const std::string path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error).string();
  if (is_kubernetes_volume(path)) return true;
  struct statfs system{};
  const bool secrets = path.starts_with("/run/secrets/") || path.starts_with("/var/run/secrets/");
  return secrets && ::fstatfs(fd, &system) == 0 && system.f_type == kTmpfs;
}

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

std::expected<FileText, std::string> read_whole(const std::string& path) {
  // O_NONBLOCK, so that a pipe is refused below instead of blocking.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) return std::unexpected(phrase(errno));
  struct stat about{};
  if (::fstat(file.fd, &about) != 0) return std::unexpected(phrase(errno));
  if (S_ISDIR(about.st_mode)) return std::unexpected(phrase(EISDIR));
  if (!S_ISREG(about.st_mode)) return std::unexpected("is not a regular file");
  FileText out;
  out.mode = about.st_mode & 07777;
  out.mounted = (out.mode & 07) != 0 && is_mounted(file.fd, out.mode);
  char buffer[16384];
  for (;;) {
    const ssize_t n = ::read(file.fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::unexpected(phrase(errno));
    if (n == 0) return out;
    out.bytes.append(buffer, static_cast<std::size_t>(n));
    if (out.bytes.size() > kMostBytes) return std::unexpected("is longer than 1 MiB");
  }
}

} // namespace

ReadFile system_files() { return read_whole; }

Variables system_environment() {
  Variables out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) out.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

} // namespace foyer::config

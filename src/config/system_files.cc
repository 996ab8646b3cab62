#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

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
    case EPERM: return "may not be read by this user";
    case EISDIR: return "is a directory";
    default: return "cannot be read";
  }
}

struct Descriptor {
  int fd;
  ~Descriptor() { if (fd >= 0) ::close(fd); }
};

std::expected<FileText, std::string> read_whole(const std::string& path) {
  // O_NONBLOCK, so that a pipe is refused below and not waited for.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) return std::unexpected(phrase(errno));
  struct stat about {};
  if (::fstat(file.fd, &about) != 0) return std::unexpected(phrase(errno));
  if (S_ISDIR(about.st_mode)) return std::unexpected(phrase(EISDIR));
  if (!S_ISREG(about.st_mode)) return std::unexpected("is not a regular file");
  FileText out;
  out.mode = about.st_mode & 07777;
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

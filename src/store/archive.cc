#include "store/archive.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace foyer::store {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::uint64_t kOctalLimit = std::uint64_t{1} << 33; // eleven octal digits

// The header's fields by their places: POSIX.1-2017, pax, "ustar Interchange Format".
std::array<char, kBlock> header(std::string_view name, std::uint64_t size, WallTime time) {
  std::array<char, kBlock> block{};
  const auto put = [&block](std::size_t at, std::string_view text) {
    std::memcpy(block.data() + at, text.data(), text.size());
  };
  put(0, name);
  put(100, "0000600");
  put(108, "0000000");
  put(116, "0000000");
  if (size < kOctalLimit) {
    put(124, fmt::format("{:011o}", size));
  } else {
    block[124] = static_cast<char>(0x80);
    for (std::size_t i = 0; i < 8; ++i) block[135 - i] = static_cast<char>(size >> (8 * i) & 0xff);
  }
  put(136, fmt::format("{:011o}", unix_seconds(time)));
  put(148, "        ");
  block[156] = '0';
  put(257, "ustar");
  put(263, "00");
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put(148, fmt::format("{:06o}", sum));
  block[154] = '\0';
  return block;
}

} // namespace

Result<ArchiveWriter> ArchiveWriter::create(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return refuse(Cause::DATA_UNWRITABLE, fmt::format("{}: {}", path, std::strerror(errno)));
  return ArchiveWriter(fd, path);
}

ArchiveWriter::ArchiveWriter(ArchiveWriter&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)) {}

ArchiveWriter::~ArchiveWriter() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> ArchiveWriter::put(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
      return refuse(
          full ? Cause::STORE_FULL : Cause::DATA_UNWRITABLE, fmt::format("{}: {}", path_, std::strerror(errno)));
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<std::uint64_t> ArchiveWriter::add(const std::string& file, std::string_view name, WallTime time) {
  if (name.size() > 100)
    return refuse(Cause::FILE_UNREADABLE, fmt::format("{}: the name is too long for the archive", file));
  const int from = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status{};
  if (from < 0 || ::fstat(from, &status) != 0) {
    const int error = errno;
    if (from >= 0) ::close(from);
    return refuse(Cause::FILE_UNREADABLE, fmt::format("{}: {}", file, std::strerror(error)));
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const auto head = header(name, size, time);
  Result<void> written = put({head.data(), head.size()});
  std::string buffer(256 * 1024, '\0');
  std::uint64_t left = size;
  while (written && left > 0) {
    const ssize_t n = ::read(from, buffer.data(), std::min<std::uint64_t>(buffer.size(), left));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      written = refuse(Cause::FILE_UNREADABLE,
          fmt::format("{}: {}", file, n < 0 ? std::strerror(errno) : "it shrank while it was being copied"));
      break;
    }
    left -= static_cast<std::uint64_t>(n);
    written = put({buffer.data(), static_cast<std::size_t>(n)});
  }
  ::close(from);
  TRY_VOID(std::move(written));
  if (const std::size_t rest = size % kBlock; rest != 0) TRY_VOID(put(std::string(kBlock - rest, '\0')));
  return size;
}

Result<void> ArchiveWriter::finish() {
  TRY_VOID(put(std::string(2 * kBlock, '\0')));
  if (::fsync(fd_) != 0) return refuse(Cause::DATA_UNWRITABLE, fmt::format("{}: {}", path_, std::strerror(errno)));
  ::close(std::exchange(fd_, -1));
  return {};
}

} // namespace foyer::store

// Files that are written atomically, private, or locked by one process.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/refusal.h"

namespace foyer::store {

// FILE_UNREADABLE, also when the file is larger than `limit` bytes.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit = 1 << 20);

// Writes to a file beside it, flushes, renames: a reader, or a crash, sees the old bytes or
// the new ones. Mode 0600 from the first moment. STORE_FULL or DATA_UNWRITABLE.
[[nodiscard]] Result<void> write_file_atomically(const std::string& path, std::string_view bytes);

// An advisory lock (flock) that ends with the process, even after a crash.
class FileLock {
 public:
  // `taken` is the cause when another process holds it; DATA_UNWRITABLE when the file cannot be opened.
  [[nodiscard]] static Result<FileLock> take(const std::string& path, Cause taken);
  FileLock(FileLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

} // namespace foyer::store

// A tar archive (POSIX ustar, sizes above 8 GiB as GNU tar writes them), written
// from start to end. Every tar reads it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/refusal.h"

namespace foyer::store {

class ArchiveWriter {
 public:
  // A new file (0600), incomplete before finish(). DATA_UNWRITABLE, STORE_FULL.
  [[nodiscard]] static Result<ArchiveWriter> create(const std::string& path);
  ArchiveWriter(ArchiveWriter&& other) noexcept;
  ArchiveWriter& operator=(ArchiveWriter&&) = delete;
  ~ArchiveWriter();

  // `name`: up to 100 bytes. The file must not change meanwhile. FILE_UNREADABLE.
  [[nodiscard]] Result<std::uint64_t> add(const std::string& file, std::string_view name, WallTime time);
  [[nodiscard]] Result<void> finish(); // flushed to the device

 private:
  ArchiveWriter(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  [[nodiscard]] Result<void> put(std::string_view bytes);
  int fd_;
  std::string path_;
};

} // namespace foyer::store

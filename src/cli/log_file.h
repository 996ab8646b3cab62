// The file behind standard error, for logs that are rotated by renaming:
// the process keeps writing to the renamed file until it opens the path again.
#pragma once

#include <cstdint>
#include <string>

namespace foyer::cli {

class LogFile {
 public:
  LogFile(); // remembers the path of standard error (and output, if it is the same file), if it is a regular file

  enum class Reopened : std::uint8_t { yes, no_file, failed };
  // Reopens the remembered path for appending, and writes there from now on.
  [[nodiscard]] Reopened reopen() const;
  [[nodiscard]] const std::string& path() const { return path_; } // empty: not a file

 private:
  std::string path_;
  bool output_too_ = false;
};

} // namespace foyer::cli

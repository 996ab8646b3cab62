#include "cli/data_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <string>

namespace foyer::cli {

Result<store::DataDir> directory_with(
    const config::Config& config, std::string_view name, std::string_view unused, bool create) {
  TRY(directory, create ? store::DataDir::open(config.data) : store::DataDir::existing(config.data));
  const std::string path = directory.file(std::string{name});
  if (::access(path.c_str(), F_OK) == 0) return directory;
  if (!create) return refuse(Cause::FILE_UNREADABLE, fmt::format("{} does not exist: {}", path, unused));
  fmt::print(stderr,
      "Note: {} did not exist and has been created. A server with another data directory does not see it; name that "
      "directory with --data.\n",
      path);
  return directory;
}

} // namespace foyer::cli

#include "cli/offline_access.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "app/stores.h"
#include "store/data_dir.h"

namespace foyer::cli {
namespace {

// The file of the chat is there, or may be made.
Result<void> has_its_place(const config::Config& config, bool create) {
  TRY(directory, create ? store::DataDir::open(config.data) : store::DataDir::existing(config.data));
  const std::string path = directory.file("chat.sqlite");
  if (::access(path.c_str(), F_OK) == 0) return {};
  if (!create) return refuse(Cause::FILE_UNREADABLE, path + " does not exist: no server has used this data directory");
  fmt::print(stderr,
      "Note: {} did not exist and has been created. A server with another data directory does not see it; name that "
      "directory with --data.\n",
      path);
  return {};
}

} // namespace

Result<std::unique_ptr<OfflineAccess>> OfflineAccess::open(const config::Loaded& loaded, bool create) {
  TRY_VOID(app::knows_its_stores(loaded));
  if (!app::uses_postgres(loaded.config)) TRY_VOID(has_its_place(loaded.config, create));
  std::unique_ptr<OfflineAccess> out(new OfflineAccess());
  TRY(opened,
      app::open_access(loaded.config,
          {.clock = system_clock(), .metrics = out->metrics_, .log = null_log(), .executor = out->turns_}));
  out->opened_ = std::move(opened);
  return out;
}

} // namespace foyer::cli

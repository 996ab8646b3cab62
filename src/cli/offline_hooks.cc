#include "cli/offline_hooks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "app/stores.h"
#include "store/data_dir.h"

namespace foyer::cli {
namespace {

// Beside the file of the chat, which is there or may be made.
Result<store::SealKey> kept_seal_key(const config::Config& config, bool create) {
  TRY(directory, create ? store::DataDir::open(config.data) : store::DataDir::existing(config.data));
  const std::string path = directory.file("chat.sqlite");
  const bool exists = ::access(path.c_str(), F_OK) == 0;
  if (!exists && !create)
    return refuse(Cause::FILE_UNREADABLE, path + " does not exist: no server has used this data directory");
  if (!exists)
    fmt::print(stderr,
        "Note: {} did not exist and has been created. A server with another data directory does not see it; name that "
        "directory with --data.\n",
        path);
  return app::seal_key(config, directory, system_entropy());
}

} // namespace

Result<std::unique_ptr<OfflineHooks>> OfflineHooks::open(const config::Loaded& loaded, bool create) {
  TRY_VOID(app::knows_its_stores(loaded));
  const config::Config& config = loaded.config;
  TRY(seal, app::uses_postgres(config) ? app::given_seal_key(config) : kept_seal_key(config, create));
  std::unique_ptr<OfflineHooks> out(new OfflineHooks(std::move(seal)));
  TRY(opened,
      app::open_hooks(config,
          {.clock = system_clock(),
              .entropy = system_entropy(),
              .metrics = out->metrics_,
              .log = null_log(),
              .executor = out->turns_}));
  out->opened_ = std::move(opened);
  return out;
}

} // namespace foyer::cli

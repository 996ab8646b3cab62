#include "cli/offline_hooks.h"

#include "app/stores.h"
#include "cli/data_file.h"

namespace foyer::cli {
namespace {

Result<store::SealKey> kept_seal_key(const config::Config& config, bool create) {
  TRY(directory, directory_with(config, "chat.sqlite", "no server has used this data directory", create));
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

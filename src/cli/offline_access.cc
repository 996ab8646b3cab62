#include "cli/offline_access.h"

#include "app/stores.h"
#include "cli/data_file.h"

namespace foyer::cli {

Result<std::unique_ptr<OfflineAccess>> OfflineAccess::open(const config::Loaded& loaded, bool create) {
  TRY_VOID(app::knows_its_stores(loaded));
  if (!app::uses_postgres(loaded.config))
    TRY_VOID(directory_with(loaded.config, "chat.sqlite", "no server has used this data directory", create));
  std::unique_ptr<OfflineAccess> out(new OfflineAccess());
  TRY(opened,
      app::open_access(loaded.config,
          {.clock = system_clock(), .metrics = out->metrics_, .log = null_log(), .executor = out->turns_}));
  out->opened_ = std::move(opened);
  return out;
}

} // namespace foyer::cli

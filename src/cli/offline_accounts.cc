#include "cli/offline_accounts.h"

#include "accounts/model/names.h"
#include "app/stores.h"
#include "base/bytes.h"
#include "cli/data_file.h"

namespace foyer::cli {
namespace {

Result<store::SealKey> kept_seal_key(const config::Config& config, bool create) {
  TRY(directory,
      directory_with(config, "accounts.sqlite", "no accounts have been created in this data directory", create));
  return app::seal_key(config, directory, system_entropy());
}

} // namespace

Result<std::unique_ptr<OfflineAccounts>> OfflineAccounts::open(const config::Loaded& loaded, bool create) {
  TRY_VOID(app::knows_its_stores(loaded));
  const config::Config& config = loaded.config;
  TRY(seal, app::uses_postgres(config) ? app::given_seal_key(config) : kept_seal_key(config, create));
  return with(config, std::move(seal));
}

Result<std::unique_ptr<OfflineAccounts>> OfflineAccounts::with(const config::Config& config, store::SealKey seal) {
  std::unique_ptr<OfflineAccounts> out(new OfflineAccounts(std::move(seal)));
  TRY(store,
      app::open_accounts(config,
          {.clock = system_clock(),
              .entropy = system_entropy(),
              .metrics = out->metrics_,
              .log = null_log(),
              .executor = &out->turns_,
              .forgets = false}));
  out->store_ = std::move(store);
  return out;
}

Result<accounts::UserRow> OfflineAccounts::find_user(const std::string& name) {
  TRY(found, ask<std::optional<accounts::UserRow>>([&](accounts::AccountStore& s, auto done) {
    s.find_user_by_name(accounts::name_key(name), std::move(done));
  }));
  if (!found) return refuse(Cause::NOT_FOUND, "there is no user named " + printable(name, 64));
  return std::move(*found);
}

accounts::AuditRow command_audit(std::string action, const UserId& user) {
  return {.at = system_clock().wall(),
      .action = std::move(action),
      .outcome = "OK",
      .user = user,
      .address = {},
      .ref = {},
      .detail = "by command line"};
}

} // namespace foyer::cli

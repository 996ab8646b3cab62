#include "cli/offline_accounts.h"

#include <unistd.h>

#include "accounts/names.h"
#include "accounts/sqlite_store.h"
#include "base/bytes.h"
#include "store/data_dir.h"

namespace foyer::cli {

Result<std::unique_ptr<OfflineAccounts>> OfflineAccounts::open(const config::Config& config, bool create) {
  TRY(directory, create ? store::DataDir::open(config.data) : store::DataDir::existing(config.data));
  const std::string path = directory.file("accounts.sqlite");
  if (!create && ::access(path.c_str(), F_OK) != 0) return refuse(Cause::FILE_UNREADABLE, path + " does not exist: no accounts were ever made in this data directory");
  TRY(secret, directory.secret("store.key", system_entropy()));
  TRY(seal, store::SealKey::from_secret(secret));
  std::unique_ptr<OfflineAccounts> out(new OfflineAccounts(std::move(seal)));
  accounts::SqliteStoreOptions options;
  options.executor = [turns = &out->turns_](auto work) { turns->push_back(std::move(work)); };
  TRY(store, accounts::open_sqlite_store(path, std::move(options), system_clock(), system_entropy(), out->metrics_, null_log()));
  out->store_ = std::move(store);
  return out;
}

void OfflineAccounts::run_all() {
  while (!turns_.empty()) {
    auto work = std::move(turns_.front());
    turns_.pop_front();
    work();
  }
}

Result<accounts::UserRow> OfflineAccounts::find_user(const std::string& name) {
  TRY(found, ask<std::optional<accounts::UserRow>>([&](accounts::AccountStore& s, auto done) { s.find_user_by_name(accounts::name_key(name), std::move(done)); }));
  if (!found) return refuse(Cause::NOT_FOUND, "no user is called " + printable(name, 64));
  return std::move(*found);
}

accounts::AuditRow command_audit(std::string action, const UserId& user) {
  return {.at = system_clock().wall(), .action = std::move(action), .outcome = "OK", .user = user, .address = {}, .ref = {}, .detail = "by command line"};
}

} // namespace foyer::cli

// The accounts of an installation for the commands, beside a running server: a call
// completes at once, on this thread.
// Changes reach a server through the data that it polls: the revocations,
// the signing keys, the services.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "accounts/store.h"
#include "base/manual_executor.h"
#include "base/metrics.h"
#include "config/load.h"
#include "store/seal.h"

namespace foyer::cli {

class OfflineAccounts {
 public:
  // `create`: the database is created if it does not exist. FILE_UNREADABLE, DATA_UNWRITABLE,
  // STORE_…, DATABASE_UNREACHABLE, MISSING_STORE_KEY, INVALID_VALUE.
  [[nodiscard]] static Result<std::unique_ptr<OfflineAccounts>> open(const config::Loaded& loaded, bool create);

  // For an existing database, with the caller's key.
  [[nodiscard]] static Result<std::unique_ptr<OfflineAccounts>> with(const config::Config& config, store::SealKey seal);

  template <class T>
  [[nodiscard]] Result<T> ask(std::function<void(accounts::AccountStore&, Completion<T>)> question) {
    std::optional<Result<T>> answer;
    question(*store_, [&answer](Result<T> result) { answer = std::move(result); });
    turns_.run_posted();
    if (!answer) return refuse(Cause::STORE_FAILED, "the store gave no answer");
    return std::move(*answer);
  }

  [[nodiscard]] Result<accounts::UserRow> find_user(const std::string& name); // NOT_FOUND
  // The key that secrets in the store are sealed with.
  [[nodiscard]] const store::SealKey& seal_key() const { return seal_; }

 private:
  explicit OfflineAccounts(store::SealKey seal) : seal_(std::move(seal)) {}

  store::SealKey seal_;
  Metrics metrics_;
  ManualExecutor turns_{system_clock()};
  std::unique_ptr<accounts::AccountStore> store_;
};

// An audit row with the current time, "by command line".
[[nodiscard]] accounts::AuditRow command_audit(std::string action, const UserId& user = {});

} // namespace foyer::cli

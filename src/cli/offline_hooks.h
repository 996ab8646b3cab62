// Webhooks for the commands, beside a running server: a call completes at once, on this thread. A server notices
// changes within a second.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/manual_executor.h"
#include "base/metrics.h"
#include "config/load.h"
#include "engine/sql/hook_store.h"
#include "store/seal.h"

namespace foyer::cli {

class OfflineHooks {
 public:
  // `create`: the database and the key are created if they do not exist. FILE_UNREADABLE, DATA_UNWRITABLE, STORE_…,
  // DATABASE_UNREACHABLE, MISSING_STORE_KEY, INVALID_VALUE.
  [[nodiscard]] static Result<std::unique_ptr<OfflineHooks>> open(const config::Loaded& loaded, bool create);

  template <class T>
  [[nodiscard]] Result<T> ask(std::function<void(engine::Hooks&, Completion<T>)> question) {
    std::optional<Result<T>> answer;
    question(opened_->hooks(), [&answer](Result<T> result) { answer = std::move(result); });
    turns_.run_posted();
    if (!answer) return refuse(Cause::STORE_FAILED, "the store gave no answer");
    return std::move(*answer);
  }
  // That secrets are sealed with.
  [[nodiscard]] const store::SealKey& seal_key() const { return seal_; }

 private:
  explicit OfflineHooks(store::SealKey seal) : seal_(std::move(seal)) {}

  store::SealKey seal_;
  Metrics metrics_;
  ManualExecutor turns_{system_clock()};
  std::unique_ptr<engine::OpenHooks> opened_;
};

} // namespace foyer::cli

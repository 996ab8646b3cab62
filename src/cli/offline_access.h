// The keys of the server API for the commands, beside a running server: a call completes at once, on this thread. A
// server notices changes within a second.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/manual_executor.h"
#include "base/metrics.h"
#include "config/load.h"
#include "engine/sql/access_store.h"

namespace foyer::cli {

class OfflineAccess {
 public:
  // `create`: the database is created if it does not exist. FILE_UNREADABLE, DATA_UNWRITABLE,
  // STORE_…, DATABASE_UNREACHABLE, INVALID_VALUE.
  [[nodiscard]] static Result<std::unique_ptr<OfflineAccess>> open(const config::Loaded& loaded, bool create);

  template <class T>
  [[nodiscard]] Result<T> ask(std::function<void(engine::AccessStore&, Completion<T>)> question) {
    std::optional<Result<T>> answer;
    question(opened_->store(), [&answer](Result<T> result) { answer = std::move(result); });
    turns_.run_posted();
    if (!answer) return refuse(Cause::STORE_FAILED, "the store gave no answer");
    return std::move(*answer);
  }

 private:
  OfflineAccess() = default;

  Metrics metrics_;
  ManualExecutor turns_{system_clock()};
  std::unique_ptr<engine::OpenAccess> opened_;
};

} // namespace foyer::cli

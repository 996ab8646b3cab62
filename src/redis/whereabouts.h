// Where the server is that connections should use, which may change: told by whoever finds out, read by the lines.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "redis/endpoint.h"
#include "redis/failure.h"

namespace foyer::redis {

class Whereabouts : public std::enable_shared_from_this<Whereabouts> {
 public:
  using At = std::expected<Endpoint, Failure>;

  // `name`: what this server is called in texts, wherever it is.
  explicit Whereabouts(std::string name) : name_(std::move(name)) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  // Nothing: it is being found out.
  [[nodiscard]] std::optional<At> now() const {
    const std::lock_guard held(mutex_);
    return at_;
  }
  void set(At at) {
    const std::lock_guard held(mutex_);
    if (at_ && *at_ && at && **at_ == *at) return;
    at_ = std::move(at);
    for (const auto& [id, changed] : watchers_) changed(*at_);
  }

  // `changed` is called with each change from now on, on the thread that tells; short, and without calls to this
  // object. When the result is gone it is not called any more.
  [[nodiscard]] std::shared_ptr<void> watch(std::function<void(const At&)> changed) {
    const std::lock_guard held(mutex_);
    const std::uint64_t id = ++last_;
    watchers_.emplace(id, std::move(changed));
    return {nullptr, [self = shared_from_this(), id](void*) {
      const std::lock_guard gone(self->mutex_);
      self->watchers_.erase(id);
    }};
  }

 private:
  const std::string name_;
  mutable std::mutex mutex_;
  std::optional<At> at_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, std::function<void(const At&)>> watchers_;
};

} // namespace foyer::redis

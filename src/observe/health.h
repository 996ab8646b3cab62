// Whether this process is alive and whether it can serve, dependency by dependency.
// What was not checked is `unknown`, and `unknown` never counts as ok. No credential is
// required, so nothing here names a host, a user or a secret.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/refusal.h"

namespace foyer::observe {

struct HealthState {
  enum class Status : std::uint8_t {
    unknown, // not checked yet, or the last check is too old
    ok,
    failing,
  } status = Status::unknown;
  std::string code = {};   // a code of the catalogue: the last error
  std::string detail = {}; // for the operator, even when all is well

  static HealthState ok(std::string detail = {}) { return {.status = Status::ok, .detail = std::move(detail)}; }
  static HealthState failing(std::string code) { return {.status = Status::failing, .code = std::move(code)}; }
  static HealthState unknown(std::string code = {}) { return {.status = Status::unknown, .code = std::move(code)}; }
};
// From a store's last test of whether it can write.
[[nodiscard]] inline HealthState state_of(const Result<bool>& probe) {
  return probe ? HealthState::ok() : HealthState::failing(std::string(probe.error().code()));
}

struct HealthCheck {
  std::string name;
  bool needed = true;                // without it this process cannot serve
  std::function<HealthState()> read; // fast, from any thread
};

// Remembers since when each check has had its state.
class HealthBoard {
 public:
  HealthBoard(std::vector<HealthCheck> checks, const Clock& clock);

  enum class Status : std::uint8_t {
    ok,       // every check is ok
    degraded, // a check that is not needed is not ok
    failing,  // a needed check is not ok
  };
  struct Report {
    Status status = Status::ok;
    json::Object checks; // name → {"status","code"?,"detail"?,"since"}
  };
  [[nodiscard]] Report read();

 private:
  struct Known {
    HealthState::Status status{};
    WallTime since{};
  };
  std::vector<HealthCheck> checks_;
  const Clock& clock_;
  std::mutex mutex_;
  std::vector<Known> known_; // parallel to checks_
};

[[nodiscard]] std::string_view to_string(HealthBoard::Status status);
[[nodiscard]] std::string_view to_string(HealthState::Status status);

} // namespace foyer::observe

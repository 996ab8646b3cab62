// The credential of the operator's API: `X-API-Key: KEY` or `Authorization: apikey
// KEY`. The request's address is no credential, loopback included.
#pragma once

#include <optional>
#include <string>

#include "base/http.h"
#include "base/refusal.h"

namespace foyer::admin {

class ApiKey {
 public:
  ApiKey() = default; // none configured: the API does not exist
  explicit ApiKey(std::string key) : key_(std::move(key)) {}

  // Without a configured key UNKNOWN_PATH, as if there were no such route; with a wrong one
  // API_KEY_REJECTED. Constant time.
  [[nodiscard]] std::optional<Refusal> check(const Request& request) const;

 private:
  std::string key_;
};

} // namespace foyer::admin

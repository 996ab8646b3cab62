// The credential of the operator's API: `X-API-Key: KEY` or `Authorization: apikey
// KEY`. Where a request comes from is no credential, loopback included.
#pragma once

#include <optional>
#include <string>

#include "base/http.h"
#include "base/refusal.h"

namespace foyer::admin {

class ApiKey {
 public:
  ApiKey() = default; // none configured: the API is not there at all
  explicit ApiKey(std::string key) : key_(std::move(key)) {}

  // Without a key UNKNOWN_PATH, as if there were no such route; with a wrong one
  // API_KEY_REJECTED. Takes the same time whatever was sent.
  [[nodiscard]] std::optional<Refusal> check(const Request& request) const;

 private:
  std::string key_;
};

} // namespace foyer::admin

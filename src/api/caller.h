// An application that calls the server API: who it is and what it may do.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/completion.h"
#include "base/ids.h"
#include "rooms/model/api_rights.h"

namespace foyer::api {

struct Caller {
  std::variant<ApiKeyId, ClientId> id;
  UserId user;      // as whom it publishes: app:orders
  std::string name; // shown to others
  rooms::ApiRights rights;
};
using CallerPtr = std::shared_ptr<const Caller>;

// The keys that are accepted. Thread safe.
class KeyRing {
 public:
  virtual ~KeyRing() = default;
  // `key`: as it was sent; nothing: none was. API_KEY_REJECTED; UNKNOWN_PATH where there is no key at all, so that the
  // API does not exist. The answer comes before the call returns, or later and on any thread.
  virtual void find(std::optional<std::string> key, Completion<CallerPtr> done) = 0;
};

// API_KEY of the configuration: the operator's, with every right.
class ConfiguredKey final : public KeyRing {
 public:
  explicit ConfiguredKey(std::string key); // empty: none
  void find(std::optional<std::string> key, Completion<CallerPtr> done) override;

 private:
  const std::string digest_; // empty: no key
  const CallerPtr operator_;
};

} // namespace foyer::api

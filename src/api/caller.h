// An application that calls the server API: who it is and what it may do.
#pragma once

#include <cstdint>
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

// What a request sent to say who calls.
struct Credential {
  enum class Kind : std::uint8_t { none, key, service_token } kind = Kind::none;
  std::string text = {};
};

// The keys that are accepted. Thread safe.
class KeyRing {
 public:
  virtual ~KeyRing() = default;
  // API_KEY_REJECTED; of a service's token also what it is refused with, and PERMISSION_DENIED if no key belongs to the
  // service; UNKNOWN_PATH where there is no key at all, so that the API does not exist. The answer comes before the
  // call returns, or later and on any thread.
  virtual void find(Credential credential, Completion<CallerPtr> done) = 0;
};

// API_KEY of the configuration: the operator's, with every right.
class ConfiguredKey final : public KeyRing {
 public:
  explicit ConfiguredKey(std::string key); // empty: none
  void find(Credential credential, Completion<CallerPtr> done) override;

 private:
  const std::string digest_; // empty: no key
  const CallerPtr operator_;
};

} // namespace foyer::api

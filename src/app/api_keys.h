// The keys that the server API accepts: API_KEY of the configuration, which is the operator's, and the keys in the chat
// store, which `foyer api-key` manages. A token of a service counts as the key that belongs to the service.
#pragma once

#include <string>

#include "access/key_ring.h"
#include "api/caller.h"
#include "app/service_tokens.h"

namespace foyer::app {

class ApiKeys final : public api::KeyRing {
 public:
  // `configured`: empty: none. The references must outlive it.
  ApiKeys(const std::string& configured, access::KeyRing& stored, ServiceTokens& services)
      : is_configured_(!configured.empty()),
        configured_(configured),
        stored_(stored),
        services_(services) {}

  // An answer about a stored key or a token may come later, on the control plane.
  void find(api::Credential credential, Completion<api::CallerPtr> done) override;

 private:
  void find_of_service(std::string token, Completion<api::CallerPtr> done);
  void find_stored(const std::string& key, Completion<api::CallerPtr> done);

  const bool is_configured_;
  api::ConfiguredKey configured_;
  access::KeyRing& stored_;
  ServiceTokens& services_;
};

} // namespace foyer::app

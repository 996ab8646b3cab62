// The keys that the server API accepts: API_KEY of the configuration, which is the operator's, and those of the chat
// store, which `foyer api-key` makes.
#pragma once

#include <optional>
#include <string>

#include "access/key_ring.h"
#include "api/caller.h"

namespace foyer::app {

class ApiKeys final : public api::KeyRing {
 public:
  // `configured`: empty: none. `stored` must outlive it.
  ApiKeys(const std::string& configured, access::KeyRing& stored)
      : is_configured_(!configured.empty()),
        configured_(configured),
        stored_(stored) {}

  // An answer about a stored key may come later, on the control plane.
  void find(std::optional<std::string> key, Completion<api::CallerPtr> done) override;

 private:
  void find_stored(const std::string& key, Completion<api::CallerPtr> done);

  const bool is_configured_;
  api::ConfiguredKey configured_;
  access::KeyRing& stored_;
};

} // namespace foyer::app

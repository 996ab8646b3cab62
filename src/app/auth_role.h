// The auth service in this process: its store, its queue for hashing, its routes.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "accounts/clients/services.h"
#include "accounts/http/routes.h"
#include "accounts/service.h"
#include "accounts/session/revocation_polls.h"
#include "app/runtime.h"
#include "engine/memory/shared_state.h"
#include "exec/work_queue.h"
#include "jose/key_set.h"
#include "observe/health.h"
#include "store/data_dir.h"

namespace foyer::app {

class AuthRole {
 public:
  // Opens the store and reads the signing keys.
  [[nodiscard]] static Result<std::unique_ptr<AuthRole>> open(const Runtime& runtime, store::DataDir& data);

  // Begins to watch the revocations and the registered services. Once.
  [[nodiscard]] Result<bool> start();
  [[nodiscard]] accounts::AccountStore& store() { return *store_; }
  [[nodiscard]] accounts::AccountService& service() { return *service_; }
  [[nodiscard]] const std::shared_ptr<const jose::KeySet>& keys() const {
    return first_keys_;
  } // as they were when it opened
  // Told of the keys as they are, and of every change (a rotation), on the control plane's thread.
  void watch_keys(accounts::SigningKeys::OnChange on_change);
  [[nodiscard]] std::vector<Route> routes(const OnRefusal& on_refusal);
  [[nodiscard]] std::vector<observe::HealthCheck> ready();
  // Gateways whose long polls wait here are answered now, so that no connection of theirs holds up the end.
  void drain();
  // The loops have ended: nothing new comes. Before the control plane stops.
  void stop_hashing() { hashing_->stop(); }

 private:
  explicit AuthRole(const Runtime& runtime) : runtime_(runtime), shared_(runtime.clock) {}
  const Runtime& runtime_;
  std::unique_ptr<exec::WorkQueue> hashing_;
  std::unique_ptr<accounts::AccountStore> store_;
  std::shared_ptr<const jose::KeySet> first_keys_;
  std::unique_ptr<accounts::SigningKeys> keys_;       // before the store ends
  engine::MemorySharedState shared_;                  // of the control plane
  std::unique_ptr<accounts::AccountService> service_; // before the keys end
  std::unique_ptr<accounts::ServiceRegistry> services_;
  std::unique_ptr<accounts::RevocationPolls> polls_;
};

} // namespace foyer::app

// What a gateway has when its auth service is another process: the links to it,
// and behind them the same interface as in one process.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <vector>

#include "app/runtime.h"
#include "auth/compatibility_monitor.h"
#include "auth/forwarder.h"
#include "auth/key_set_source.h"
#include "auth/local_verifier.h"
#include "auth/pooled_transport.h"
#include "auth/remote_auth_service.h"
#include "auth/revocation_stream.h"
#include "observe/health.h"

namespace foyer::app {

class RemoteAuth {
 public:
  // Nothing is asked before start(). `on_refusal`: of requests that are forwarded.
  [[nodiscard]] static Result<std::unique_ptr<RemoteAuth>> make(const Runtime& runtime, OnRefusal on_refusal);

  void start(); // once
  // Waits for the first key set; true at once where the keys are configured. False when it did not come in this time.
  [[nodiscard]] bool wait_for_keys(Millis at_most);
  // Fetches the key set now; false if there is nothing to fetch.
  bool reload();
  [[nodiscard]] auth::AuthService& service() { return *service_; }
  [[nodiscard]] auth::LocalVerifier& verifier() { return *verifier_; }
  // GatewayDeps::refresh_keys; empty for a shared secret.
  [[nodiscard]] std::function<void(Completion<bool>)> refresh_keys();
  [[nodiscard]] std::vector<Route> routes() { return forwarder_->routes(); }
  [[nodiscard]] std::vector<observe::HealthCheck> ready();

 private:
  explicit RemoteAuth(const Runtime& runtime) : runtime_(runtime) {}
  [[nodiscard]] auth::Context around(auth::Transport& transport);
  Result<void> make_keys();
  [[nodiscard]] std::vector<std::string> kids() const;
  [[nodiscard]] observe::HealthState auth_service_state() const;

  const Runtime& runtime_;
  std::unique_ptr<auth::PooledTransport> questions_, forwarded_,
      key_server_; // of their own each, so that none waits for another
  std::unique_ptr<auth::ServiceIdentity> identity_;
  std::unique_ptr<auth::LocalVerifier> verifier_;
  std::promise<void> first_keys_;
  std::once_flag first_keys_set_;
  std::unique_ptr<auth::KeySetSource> key_set_; // null for a shared secret
  std::unique_ptr<auth::RevocationStream> stream_;
  std::unique_ptr<auth::RemoteAuthService> service_;
  std::unique_ptr<auth::CompatibilityMonitor> fit_;
  std::unique_ptr<auth::Forwarder> forwarder_;
};

} // namespace foyer::app

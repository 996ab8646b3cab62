// The auth part of a gateway whose auth service is another process: the connections to it, behind the same interface as
// an auth service in this process.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <vector>

#include "app/auth_part.h"
#include "auth/compatibility_monitor.h"
#include "auth/forwarder.h"
#include "auth/key_set_source.h"
#include "auth/local_verifier.h"
#include "auth/remote_auth_service.h"
#include "auth/revocation_stream.h"
#include "auth/transport.h"
#include "client/http_pool.h"
#include "config/options.h"
#include "observe/health.h"

namespace foyer::app {

struct Environment;

class RemoteAuth final : public AuthPart {
 public:
  // Sends no request before start(). Both references must outlive this. INVALID_VALUE, and the
  // refusals of unusable keys.
  [[nodiscard]] static Result<std::unique_ptr<RemoteAuth>> make(
      const config::Config& config, const Environment& environment);

  void start(Completion<bool> ready) override; // does not wait for the other process
  [[nodiscard]] bool wait_for_keys(Millis at_most) override;
  bool reload() override;
  [[nodiscard]] auth::AuthService& service() override { return *service_; }
  [[nodiscard]] const auth::LocalVerifier* verifier() override { return verifier_.get(); }
  [[nodiscard]] std::function<void(Completion<bool>)> refresh_keys() override;
  [[nodiscard]] std::vector<Route> routes(const OnRefusal& on_refusal) override; // those that are forwarded; call once
  [[nodiscard]] std::vector<observe::HealthCheck> ready() override;

 private:
  RemoteAuth(const config::Config& config, const Environment& environment)
      : config_(config),
        environment_(environment) {}
  [[nodiscard]] auth::Context context_of(auth::Transport& transport);
  [[nodiscard]] client::PoolOptions to(wire::Url server, std::size_t connections, std::size_t waiting) const;
  Result<void> make_keys();
  [[nodiscard]] std::vector<std::string> kids() const;
  [[nodiscard]] observe::HealthState auth_service_state() const;

  const config::Config& config_;
  const Environment& environment_;
  std::unique_ptr<auth::Transport> questions_, forwarded_,
      key_server_; // separate connections, so that none waits for another
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

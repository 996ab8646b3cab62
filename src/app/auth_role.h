// The auth service in this process: keys, accounts, services, and their routes.
#pragma once

#include <memory>
#include <vector>

#include "accounts/clients/services.h"
#include "accounts/http/internal_routes.h"
#include "accounts/http/routes.h"
#include "accounts/service.h"
#include "accounts/session/revocation_polls.h"
#include "app/auth_part.h"
#include "app/shared_accounts.h"
#include "config/options.h"
#include "jose/key_set.h"

namespace foyer::app {

struct Environment;

class AuthRole final : public AuthPart {
 public:
  // Takes accounts, what they share, seal and hashing out of the environment. Both references must outlive this.
  // Refusals: those of configured_key().
  [[nodiscard]] static Result<std::unique_ptr<AuthRole>> make(const config::Config& config, Environment& environment);

  // Reads the signing keys, registers this service, and starts to watch revocations.
  void start(Completion<bool> ready) override;
  [[nodiscard]] auth::AuthService& service() override { return *service_; }
  [[nodiscard]] const auth::LocalVerifier* verifier() override { return verifier_.get(); }
  void account_lines(UserId user, Completion<std::string> done) override;
  [[nodiscard]] std::vector<Route> routes(const OnRefusal& on_refusal) override;
  [[nodiscard]] std::vector<observe::HealthCheck> ready() override;
  [[nodiscard]] std::optional<store::UpkeepState> upkeep_state() const override { return store_->upkeep_state(); }
  void upkeep_now() override { store_->upkeep_now(); }
  [[nodiscard]] Result<void> check_service(std::string_view id, std::string_view target) const override;
  // Answers the long polls of gateways.
  void drain() override;

 private:
  AuthRole(const config::Config& config, Environment& environment);
  [[nodiscard]] accounts::AuthFacts facts() const;
  const config::Config& config_;
  const Environment& environment_;
  std::unique_ptr<accounts::AccountStore> store_;
  std::unique_ptr<accounts::SigningKeys> keys_; // destroyed before the store
  std::unique_ptr<auth::LocalVerifier> verifier_;
  SharedAccounts shared_;
  std::unique_ptr<accounts::AccountService> service_; // destroyed before the keys
  std::unique_ptr<accounts::ServiceRegistry> services_;
  std::unique_ptr<accounts::RevocationPolls> polls_;
};

} // namespace foyer::app

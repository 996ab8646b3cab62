// Takes the place of an auth service on a server without accounts (identity = external), where every user has a token
// of a trusted issuer. It issues no tickets, has no sessions, and answers /auth/* with ACCOUNTS_ELSEWHERE.
#pragma once

#include <string>
#include <vector>

#include "app/auth_part.h"
#include "base/executor.h"
#include "config/options.h"

namespace foyer::app {

struct Environment;

class NoAccounts final : public AuthPart, private auth::AuthService {
 public:
  // Both references must outlive this.
  NoAccounts(const config::Config& config, const Environment& environment)
      : config_(config),
        environment_(environment) {}

  void start(Completion<bool> ready) override;
  [[nodiscard]] auth::AuthService& service() override { return *this; }
  [[nodiscard]] const auth::LocalVerifier* verifier() override { return nullptr; }
  [[nodiscard]] std::vector<Route> routes(const OnRefusal& on_refusal) override;

 private:
  void redeem_ticket(auth::TicketRequest question, Completion<Identity> answer) override;
  void check_cookie(auth::CookieRequest question, Completion<Identity> answer) override;
  void find_person(auth::PersonRequest question, Completion<std::optional<auth::Person>> answer) override;
  void watch_revocations(std::function<void(const std::vector<auth::RevocationEvent>&)> on_events,
      std::function<void(WallTime)> synchronised) override;

  const config::Config& config_;
  const Environment& environment_;
};

// ACCOUNTS_ELSEWHERE, with sign_in_url for the client if it is configured.
[[nodiscard]] Refusal accounts_elsewhere(const config::Config& config, std::string evidence);

} // namespace foyer::app

// The auth service in another process, called over HTTP behind the same interface.
// The decisions are state machines (question, breaker, retry, cache); this drives them:
// it signs, sends, waits, joins, counts and logs. See docs/auth-client.md.
//
//   tickets  one call each, never cached; `attempt` stays the same over retries
//   cookies  cached for a short while; equal ones from one address share one call
//
// Calls come from any thread and are posted to the control plane; answers arrive
// there. On destruction, calls in progress are dropped, unanswered.
#pragma once

#include <functional>
#include <memory>

#include "auth/breaker.h"
#include "auth/cache.h"
#include "auth/contract/auth_service.h"
#include "auth/contract/signature.h"
#include "auth/people_source.h"
#include "auth/policy.h"
#include "auth/transport.h"

namespace foyer::auth {

class RevocationStream;

class RemoteAuthService final : public AuthService {
 public:
  // `revocations` outlives it.
  RemoteAuthService(Context around, ServiceIdentity identity, ClientPolicy policy, RevocationStream& revocations);
  ~RemoteAuthService() override; // on the control plane's thread, or after its end
  RemoteAuthService(const RemoteAuthService&) = delete;
  RemoteAuthService& operator=(const RemoteAuthService&) = delete;

  void redeem_ticket(TicketRequest question, Completion<Identity> answer) override;
  void check_cookie(CookieRequest question, Completion<Identity> answer) override;
  void find_person(PersonRequest question, Completion<std::optional<Person>> answer) override;
  void watch_revocations(std::function<void(const std::vector<RevocationEvent>&)> on_events,
      std::function<void(WallTime)> synchronised) override;

  [[nodiscard]] BreakerStatus status() const; // any thread; for /health/ready

 private:
  struct Client;
  std::shared_ptr<Client> client_;
  std::shared_ptr<PeopleSource> people_;
  RevocationStream& revocations_;
  Executor& control_;
};

} // namespace foyer::auth

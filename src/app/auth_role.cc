#include "app/auth_role.h"

#include <algorithm>
#include <utility>

#include "accounts/http/oauth_routes.h"
#include "app/account_lines.h"
#include "app/environment.h"
#include "app/policies.h"
#include "app/signing_key.h"
#include "auth/contract/variants.h"
#include "base/bytes.h"
#include "base/fingerprint.h"
#include "config/secrets.h"
#include "config/table.h"

namespace foyer::app {
namespace {

bool is_strong(std::string_view option, std::string_view secret) {
  return !config::weakness(secret, config::find_option(option)->min);
}

} // namespace

AuthRole::AuthRole(const config::Config& config, Environment& environment)
    : config_(config),
      environment_(environment),
      store_(std::move(environment.accounts)),
      shared_(std::move(environment.shared_accounts)) {
  if (!shared_.entries) shared_ = shared_in_memory(config, environment.clock);
}

Result<std::unique_ptr<AuthRole>> AuthRole::make(const config::Config& config, Environment& environment) {
  const Environment& e = environment;
  const store::SealKey seal = std::move(environment.seal).value();
  std::unique_ptr<AuthRole> role(new AuthRole(config, environment));
  TRY(key, configured_key(config));
  TRY(signer, jose::Signer::make(key));
  const accounts::KeyRotationPolicy rotation{
      .longest_token_life = std::max(config.accounts.access_ttl, accounts::kServiceTokenLife),
      .leeway = config.jwt_leeway};
  const accounts::Runners runners{.control = e.control, .hashing = e.hashing};
  role->keys_ = std::make_unique<accounts::SigningKeys>(
      std::move(signer), *role->store_, seal, rotation, runners, e.clock, e.entropy, e.log);
  role->verifier_ = std::make_unique<auth::LocalVerifier>(
      jose::Verifier(role->keys_->key_set(), verifier_policy(config)), true, e.metrics);
  role->service_ =
      std::make_unique<accounts::AccountService>(*role->store_, *role->keys_, seal, accounts_policy(config), runners,
          *role->shared_.entries, *role->shared_.lockouts, e.clock, e.entropy, e.log, e.metrics);
  const auto strong = [](std::string_view secret) { return is_strong("service_secret", secret); };
  role->services_ = std::make_unique<accounts::ServiceRegistry>(*role->store_, seal, runners, *role->shared_.entries,
      e.clock, e.entropy, e.log, e.metrics, strong,
      accounts::ServicePolicy{.nonces_survive = role->shared_.writer != nullptr});
  // A long poll must be answered before request_timeout.
  const Millis longest = std::max(Millis{1'000}, config.http.request_timeout - Millis{2'000});
  role->polls_ = std::make_unique<accounts::RevocationPolls>(*role->store_, runners, e.clock, e.log, e.metrics,
      accounts::RevocationPollPolicy{.longest_wait = std::min(auth::kLongestWait, longest)});
  return role;
}

// Completes once the keys of the store are read: before that nothing is signed or verified, and no gateway is answered.
void AuthRole::start(Completion<bool> ready) {
  keys_->start([this, ready = std::move(ready)](Result<bool> keys_read) mutable {
    if (!keys_read) return ready(std::move(keys_read));
    keys_->watch([this](std::shared_ptr<const jose::KeySet> keys) { verifier_->replace_keys(std::move(keys)); });
    service_->start();
    services_->start(
        config_.service_id, config_.service_secret, [this, ready = std::move(ready)](Result<bool> known) mutable {
      if (known) polls_->start();
      ready(std::move(known));
    }, environment_.began);
  });
}

void AuthRole::drain() {
  environment_.control.post([this] { polls_->close(); });
}

accounts::AuthFacts AuthRole::facts() const {
  const config::Config& c = config_;
  accounts::AuthFacts out{.version = environment_.build.version,
      .build = environment_.build.build,
      .environment = environment_.build.environment,
      .issuer = c.jwt_issuer,
      .audience = c.jwt_audience,
      .jwt_fingerprints = {},
      .signing_kid = {}};
  if (c.jwt_secret_key.empty())
    out.signing_kid = [this] { return keys_->signer().key().kid(); };
  else if (is_strong("jwt_secret_key", c.jwt_secret_key))
    for (const auto& variant : auth::variants(c.jwt_secret_key))
      out.jwt_fingerprints.push_back({variant.name, fingerprint("jwt_secret_key", variant.secret)});
  return out;
}

void AuthRole::account_lines(UserId user, Completion<std::string> done) {
  app::account_lines(*store_, std::move(user), std::move(done));
}

Result<void> AuthRole::check_service(std::string_view id, std::string_view target) const {
  const accounts::Service* service = services_->find(id);
  const char* why = service == nullptr ? "is not registered"
      : service->disabled              ? "is disabled"
      : !service->may(target)          ? "may not call the server API"
                                       : nullptr;
  if (why == nullptr) return {};
  return refuse(Cause::API_KEY_REJECTED, "the service " + printable(id, 64) + " " + why);
}

std::vector<Route> AuthRole::routes(const OnRefusal& on_refusal) {
  const Environment& e = environment_;
  const accounts::ServiceTokens tokens(
      accounts::token_tools(*keys_), config_.jwt_issuer, e.build.environment, config_.jwt_leeway);
  std::vector<Route> out = accounts::routes(*service_, on_refusal, services_.get());
  std::ranges::move(accounts::internal_routes({.service = *service_,
                        .store = *store_,
                        .services = *services_,
                        .polls = *polls_,
                        .tokens = tokens,
                        .facts = facts(),
                        .clock = e.clock,
                        .log = e.log,
                        .on_refusal = on_refusal}),
      std::back_inserter(out));
  std::ranges::move(accounts::oauth_routes({.service = *service_,
                        .store = *store_,
                        .services = *services_,
                        .tokens = tokens,
                        .clock = e.clock,
                        .entropy = e.entropy,
                        .log = e.log,
                        .on_refusal = on_refusal}),
      std::back_inserter(out));
  return out;
}

std::vector<observe::HealthCheck> AuthRole::ready() {
  const auto probe = [this] {
    Result<bool> well = service_->probe();
    if (well && shared_.writer) well = shared_.writer->probe();
    return observe::state_of(well);
  };
  return {{.name = "accounts_store", .needed = true, .read = probe}};
}

} // namespace foyer::app

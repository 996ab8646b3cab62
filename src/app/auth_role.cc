#include "app/auth_role.h"

#include <algorithm>
#include <future>
#include <thread>

#include "accounts/http/internal_routes.h"
#include "accounts/http/oauth_routes.h"
#include "app/policies.h"
#include "app/signing_key.h"
#include "app/stores.h"
#include "auth/contract/variants.h"
#include "base/fingerprint.h"
#include "config/secrets.h"
#include "config/table.h"

namespace foyer::app {
namespace {

// Nothing is signed or verified before the keys of the store are known.
Result<std::shared_ptr<const jose::KeySet>> read_keys(accounts::SigningKeys& keys) {
  std::promise<Result<std::shared_ptr<const jose::KeySet>>> read;
  auto answer = read.get_future();
  keys.start([&read, &keys](Result<bool> ready) {
    if (ready)
      read.set_value(keys.key_set());
    else
      read.set_value(std::unexpected(std::move(ready).error()));
  });
  return answer.get();
}

} // namespace

Result<std::unique_ptr<AuthRole>> AuthRole::open(const Runtime& r, store::DataDir& data) {
  std::unique_ptr<AuthRole> role(new AuthRole(r));
  TRY(store,
      open_accounts(r.config,
          {.clock = r.clock,
              .entropy = r.entropy,
              .metrics = r.metrics,
              .log = r.log,
              .environment = r.build.environment}));
  role->store_ = std::move(store);
  TRY(key, configured_key(r.config));
  TRY(signer, jose::Signer::make(key));
  TRY(seal, seal_key(r.config, data, r.entropy));
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const int threads =
      r.config.hashing_threads > 0 ? static_cast<int>(r.config.hashing_threads) : std::max(1, cores - 1);
  role->hashing_ = std::make_unique<exec::WorkQueue>("hashing", threads, r.config.hashing_queue, 10);
  role->hashing_->report_to(r.metrics, "hashing_queue");
  const accounts::KeyRotationPolicy rotation{
      .longest_token_life = std::max(r.config.accounts.access_ttl, accounts::kServiceTokenLife),
      .leeway = r.config.jwt_leeway};
  const auto runners = accounts::run_on(r.control, *role->hashing_);
  role->keys_ = std::make_unique<accounts::SigningKeys>(
      std::move(signer), *role->store_, seal, rotation, runners, r.clock, r.entropy, r.log);
  TRY(first_keys, read_keys(*role->keys_));
  role->first_keys_ = std::move(first_keys);
  role->service_ = std::make_unique<accounts::AccountService>(*role->store_, *role->keys_, seal,
      accounts_policy(r.config), runners, role->shared_, r.clock, r.entropy, r.log, r.metrics);
  const auto strong = [](std::string_view secret) {
    return !config::weakness(secret, config::find_option("service_secret")->min);
  };
  role->services_ = std::make_unique<accounts::ServiceRegistry>(
      *role->store_, seal, runners, role->shared_, r.clock, r.entropy, r.log, r.metrics, strong);
  // A long poll must be answered before its request runs out of time.
  const Millis longest = std::max(Millis{1'000}, r.config.http.request_timeout - Millis{2'000});
  role->polls_ = std::make_unique<accounts::RevocationPolls>(*role->store_, runners, r.clock, r.log, r.metrics,
      accounts::RevocationPollPolicy{.longest_wait = std::min(auth::kLongestWait, longest)});
  return role;
}

Result<bool> AuthRole::start() {
  service_->start();
  // The first gateway that knocks is to be known.
  std::promise<Result<bool>> known;
  services_->start(runtime_.config.service_id, runtime_.config.service_secret,
      [&known](Result<bool> ready) { known.set_value(std::move(ready)); }, runtime_.began);
  TRY_VOID(known.get_future().get());
  polls_->start();
  return true;
}

void AuthRole::drain() {
  runtime_.control.post([this] { polls_->close(); });
}

void AuthRole::watch_keys(accounts::SigningKeys::OnChange on_change) {
  runtime_.control.post([this, on_change = std::move(on_change)]() mutable { keys_->watch(std::move(on_change)); });
}

std::vector<Route> AuthRole::routes(const OnRefusal& on_refusal) {
  const Runtime& r = runtime_;
  const config::Config& c = r.config;
  const accounts::ServiceTokens tokens(accounts::token_tools(*keys_), c.jwt_issuer, r.build.environment, c.jwt_leeway);
  accounts::AuthFacts facts{.version = r.build.version,
      .build = r.build.build,
      .environment = r.build.environment,
      .issuer = c.jwt_issuer,
      .audience = c.jwt_audience,
      .jwt_fingerprints = {},
      .signing_kid = {}};
  if (c.jwt_secret_key.empty())
    facts.signing_kid = [this] { return keys_->signer().key().kid(); };
  else if (!config::weakness(c.jwt_secret_key, config::find_option("jwt_secret_key")->min))
    for (const auto& variant : auth::variants(c.jwt_secret_key))
      facts.jwt_fingerprints.push_back({variant.name, fingerprint("jwt_secret_key", variant.secret)});
  std::vector<Route> out = accounts::routes(*service_, on_refusal, services_.get());
  std::ranges::move(accounts::internal_routes({.service = *service_,
                        .store = *store_,
                        .services = *services_,
                        .polls = *polls_,
                        .tokens = tokens,
                        .facts = std::move(facts),
                        .clock = r.clock,
                        .log = r.log,
                        .on_refusal = on_refusal}),
      std::back_inserter(out));
  std::ranges::move(accounts::oauth_routes({.service = *service_,
                        .store = *store_,
                        .services = *services_,
                        .tokens = tokens,
                        .clock = r.clock,
                        .entropy = r.entropy,
                        .log = r.log,
                        .on_refusal = on_refusal}),
      std::back_inserter(out));
  return out;
}

std::vector<observe::HealthCheck> AuthRole::ready() {
  return {{.name = "accounts_store", .needed = true, .read = [this] { return observe::state_of(service_->probe()); }}};
}

} // namespace foyer::app

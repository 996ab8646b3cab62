#include "cli/auth_role.h"

#include <algorithm>
#include <future>
#include <thread>

#include "accounts/sqlite_store.h"
#include "store/file.h"

namespace foyer::cli {
namespace {

accounts::AccountsPolicy accounts_policy(const config::Config& c) {
  accounts::AccountsPolicy policy;
  policy.issuer = c.jwt_issuer;
  policy.audience = c.jwt_audience;
  policy.environment = std::string(config::to_string(c.environment));
  policy.require_environment_claim = c.require_environment_claim;
  policy.leeway = c.jwt_leeway;
  policy.token_types = c.token_types;
  policy.reveal = c.environment == config::Environment::development;
  policy.insecure_cookies = !config::is_strict(c.environment);
  policy.public_url = c.public_url;
  policy.allowed_origins = c.allowed_origins;
  policy.registration = c.registration == config::Registration::open     ? accounts::Registration::open
                        : c.registration == config::Registration::invite ? accounts::Registration::invite
                                                                         : accounts::Registration::closed;
  policy.min_password_characters = c.password_min_length;
  policy.hash_cost.memory_kib = static_cast<std::uint32_t>(c.argon2_memory / 1024);
  policy.hash_cost.passes = static_cast<std::uint32_t>(c.argon2_passes);
  policy.access_ttl = c.access_token_ttl;
  policy.refresh.idle = c.refresh_ttl;
  policy.refresh.grace = c.refresh_grace;
  policy.sessions.idle = c.session_idle;
  policy.sessions.absolute = c.session_absolute;
  policy.ticket_ttl = c.ticket_ttl;
  policy.rate = {.burst = static_cast<double>(c.address_auth_requests), .per_second = static_cast<double>(c.address_auth_requests) / 10};
  return policy;
}

// The key that signs, and the set that verifies.
Result<jose::Key> signing_key(const config::Config& c) {
  if (!c.jwt_secret_key.empty()) return jose::Key::from_secret(c.jwt_secret_key);
  TRY(text, store::read_file(c.jwt_private_key_file));
  return jose::Key::parse_any(text);
}

Result<std::unique_ptr<accounts::AccountStore>> open_store(const Runtime& r, store::DataDir& data) {
  const auto& c = r.config;
  accounts::SqliteStoreOptions options;
  options.database.survive_power_loss = c.store_sync == config::StoreSync::full;
  // A session is not forgotten before it has ended.
  options.keep_ended = std::max({options.keep_ended, c.session_idle * 2, c.refresh_ttl * 2});
  options.keep_revocations = std::max<Millis>(options.keep_revocations, c.access_token_ttl * 2);
  return accounts::open_sqlite_store(data.file("accounts.sqlite"), options, r.clock, r.entropy, r.metrics, r.log);
}

// Nothing is signed or verified before the keys of the store are known.
Result<std::shared_ptr<const jose::KeySet>> read_keys(accounts::SigningKeys& keys) {
  std::promise<Result<std::shared_ptr<const jose::KeySet>>> read;
  auto answer = read.get_future();
  keys.start([&read, &keys](Result<bool> ready) {
    if (ready) read.set_value(keys.key_set());
    else read.set_value(std::unexpected(std::move(ready).error()));
  });
  return answer.get();
}

} // namespace

Result<std::unique_ptr<AuthRole>> AuthRole::open(const Runtime& r, store::DataDir& data, std::function<void(UserId)> detach_messages) {
  std::unique_ptr<AuthRole> role(new AuthRole);
  TRY(store, open_store(r, data));
  role->store_ = std::move(store);
  TRY(key, signing_key(r.config));
  TRY(signer, jose::Signer::make(key));
  TRY(seal_secret, data.secret("store.key", r.entropy));
  TRY(seal, store::SealKey::from_secret(seal_secret));
  role->control_ = &r.control;
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const int threads = r.config.hashing_threads > 0 ? static_cast<int>(r.config.hashing_threads) : std::max(1, cores - 1);
  role->hashing_ = std::make_unique<net::WorkQueue>("hashing", threads, r.config.hashing_queue, 10);
  role->hashing_->report_to(r.metrics);
  const accounts::KeyRotationPolicy rotation{.longest_token_life = r.config.access_token_ttl, .leeway = r.config.jwt_leeway};
  const auto runners = accounts::run_on(r.control, *role->hashing_);
  role->keys_ = std::make_unique<accounts::SigningKeys>(std::move(signer), *role->store_, seal, rotation, runners, r.clock, r.entropy, r.log);
  TRY(first_keys, read_keys(*role->keys_));
  role->first_keys_ = std::move(first_keys);
  role->service_ = std::make_unique<accounts::AccountService>(*role->store_, *role->keys_, seal, accounts_policy(r.config), runners, r.clock, r.entropy, r.log, r.metrics, std::move(detach_messages));
  return role;
}

void AuthRole::watch_keys(accounts::SigningKeys::OnChange on_change) {
  control_->post([this, on_change = std::move(on_change)]() mutable { keys_->watch(std::move(on_change)); });
}

std::vector<Route> AuthRole::routes(const accounts::OnRefusal& on_refusal) { return accounts::routes(*service_, on_refusal); }

std::vector<api::HealthCheck> AuthRole::ready() {
  return {{.name = "accounts_store", .needed = true, .read = [this] { return api::state_of(service_->probe()); }}};
}

} // namespace foyer::cli

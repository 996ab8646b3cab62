#include "accounts/clients/services.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "auth/contract/variants.h"
#include "base/bytes.h"
#include "base/fingerprint.h"

namespace foyer::accounts {
namespace {

constexpr std::size_t kMaxServiceId = 64;
constexpr std::string_view kNonces = "service nonce";
constexpr Millis kLogVariantEvery = std::chrono::minutes{1};
constexpr std::size_t kLiveSecrets = 2;

std::string about(std::string_view id) { return fmt::format("service:{}", id); }

// The key compared for an unknown service, and for a service with only one secret:
// the time of the answer does not depend on the number of secrets.
const std::string& dummy_key() {
  static const std::string key = auth::service_key("nobody has this secret");
  return key;
}

// The key that `fits`, after trying as many as a service can have.
template <class Fits>
const std::string* matching_key(const Service* service, Fits fits) {
  const std::string* found = nullptr;
  for (std::size_t i = 0; i < kLiveSecrets; ++i) {
    const bool real = service != nullptr && i < service->secrets.size();
    if (fits(real ? service->secrets[i].key : dummy_key()) && real && found == nullptr)
      found = &service->secrets[i].key;
  }
  return found;
}

// The checks up to "is this secret one of its own?", in order.
template <class Fits>
Result<const std::string*> prove(const Service* service, std::string_view id, std::string_view what, Fits fits) {
  const std::string* key = matching_key(service, std::move(fits));
  if (service == nullptr)
    return refuse(Cause::SERVICE_UNKNOWN, fmt::format("no service {} is registered", printable(id, kMaxServiceId)));
  if (key != nullptr) return key;
  if (service->unreadable) return std::unexpected(*service->unreadable);
  return refuse(Cause::SERVICE_SECRET_REJECTED,
      fmt::format("{} of service {} fits none of its {} live secrets", what, service->id, service->secrets.size()));
}

std::string seconds(std::int64_t ms) { return fmt::format("{}.{} s", ms / 1000, ms % 1000 / 100); }

} // namespace

bool Service::may(std::string_view target) const { return std::ranges::find(may_call, target) != may_call.end(); }

Result<bool> check_service_id(std::string_view id) {
  const bool fits = !id.empty() && id.size() <= kMaxServiceId && std::ranges::all_of(id, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
        c == ':' || c == '-';
  });
  if (!fits) return refuse_field(Cause::INVALID_VALUE, "id", "a service's id is 1 to 64 of A-Z a-z 0-9 . _ : -");
  return true;
}

ServiceSecretRow seal_service_secret(const store::SealKey& seal, std::string_view id, std::string_view secret,
    bool strong, WallTime now, Entropy& entropy) {
  ServiceSecretRow row{
      .sealed_key = seal.seal(auth::service_key(secret), about(id), entropy), .created = now, .fingerprints = {}};
  if (!strong) return row;
  for (const auto& variant : auth::variants(secret))
    row.fingerprints.emplace_back(variant.name, fingerprint(kServiceSecretOption, variant.secret));
  return row;
}

Result<void> readable(const ServiceRow& row, const store::SealKey& seal) {
  std::optional<Refusal> fault;
  for (const auto& secret : row.secrets) {
    auto key = seal.open(secret.sealed_key, about(row.id));
    if (key) return {};
    fault = std::move(key).error();
  }
  return fault ? Result<void>(std::unexpected(std::move(*fault))) : Result<void>{};
}

// ---- the book

void ServiceBook::set(std::vector<Service> services) {
  services_.clear();
  for (auto& service : services) {
    std::string id = service.id;
    services_.emplace(std::move(id), std::move(service));
  }
}

const Service* ServiceBook::find(std::string_view id) const {
  const auto found = services_.find(id);
  return found == services_.end() ? nullptr : &found->second;
}

Result<ProvenService> ServiceBook::check(
    const Request& request, std::string_view target, WallTime now, MonoTime mono) const {
  TRY(claim, auth::read_claim(request));
  const Service* service = find(claim.id);
  TRY(key, prove(service, claim.id, "the signature", [&](const std::string& k) {
    return auth::signed_with(request, claim, k);
  }));
  if (service->disabled) return refuse(Cause::SERVICE_NOT_ALLOWED, fmt::format("service {} is disabled", service->id));
  if (!service->may(target))
    return refuse(Cause::SERVICE_NOT_ALLOWED, fmt::format("service {} may not call {}", service->id, target));
  // Both are milliseconds since 1970 and not negative: their difference does not overflow.
  const std::int64_t ahead = claim.time_ms - unix_millis(now);
  if (ahead > auth::kRequestWindow.count() || ahead < -auth::kRequestWindow.count())
    return refuse_field(Cause::SERVICE_REQUEST_EXPIRED, std::string{auth::kServiceTimeHeader},
        fmt::format("the request of service {} is dated {} {} this machine's clock; at most {} are allowed",
            service->id, seconds(ahead < 0 ? -ahead : ahead), ahead < 0 ? "behind" : "ahead of",
            seconds(auth::kRequestWindow.count())));
  // By the monotonic clock: setting the wall clock does not move the beginning.
  if (began_) {
    const std::int64_t began_ms = unix_millis(now - std::chrono::floor<Millis>(mono - *began_));
    if (claim.time_ms < began_ms)
      return refuse_field(Cause::SERVICE_REQUEST_EXPIRED, std::string{auth::kServiceTimeHeader},
          fmt::format("the request of service {} is dated {} before this process began; it may have been answered by "
                      "the one before",
              service->id, seconds(began_ms - claim.time_ms)));
  }
  return ProvenService{.service = *service,
      .key = *key,
      .address = std::move(claim.address),
      .ref = std::move(claim.ref),
      .origin = std::move(claim.origin)};
}

Result<ProvenService> ServiceBook::check_secret(std::string_view id, std::string_view secret) const {
  const Service* service = find(id);
  const std::string brought = auth::service_key(secret);
  TRY(key, prove(service, id, "the secret", [&](const std::string& k) { return constant_time_equal(k, brought); }));
  if (service->disabled) return refuse(Cause::SERVICE_NOT_ALLOWED, fmt::format("service {} is disabled", service->id));
  return ProvenService{.service = *service, .key = *key, .address = {}, .ref = {}, .origin = {}};
}

// ---- the registry

ServiceRegistry::ServiceRegistry(AccountStore& store, store::SealKey seal, Runners runners,
    engine::SharedEntries& shared, const Clock& clock, Entropy& entropy, Log& log, Metrics& metrics,
    std::function<bool(std::string_view)> strong, ServicePolicy policy)
    : store_(store),
      seal_(std::move(seal)),
      runners_(std::make_shared<const Runners>(std::move(runners))),
      shared_(shared),
      clock_(clock),
      entropy_(entropy),
      log_(log),
      strong_(std::move(strong)),
      policy_(policy),
      nonces_meter_(metrics, "service_nonces", policy.max_nonces) {}

void ServiceRegistry::start(std::string id, std::string secret, Completion<bool> ready, std::optional<MonoTime> began) {
  runners_->control.post(
      [this, began, id = std::move(id), secret = std::move(secret), ready = std::move(ready)]() mutable {
    ready_ = std::move(ready);
    own_id_ = std::move(id);
    own_secret_ = std::move(secret);
    if (!policy_.nonces_survive) book_.begins(began.value_or(clock_.mono()));
    const auto look = [this] {
      if (own_written_) return reread({});
      register_own();
    };
    look();
    runners_->control.every(policy_.reread_every, look);
  });
}

void ServiceRegistry::register_own() {
  if (writing_own_) return;
  writing_own_ = true;
  store_.find_service(own_id_, [this, runners = runners_](Result<std::optional<ServiceRow>> found) {
    runners->control.post([this, found = std::move(found)]() mutable {
      writing_own_ = false;
      if (!found) return reread({}); // reports why; retried a second later
      const WallTime now = clock_.wall();
      const auto secret = [&] {
        return seal_service_secret(seal_, own_id_, own_secret_, strong_(own_secret_), now, entropy_);
      };
      if (!*found)
        return write_own(
            {.id = own_id_, .secrets = {secret()}, .may_call = {own_id_}, .disabled = false, .created = now}, true,
            "from the configuration");
      ServiceRow& row = **found;
      const Service known = open(row);
      if (known.unreadable) { // must not be overwritten: the process that sealed it has the right key
        if (ready_) std::exchange(ready_, {})(std::unexpected(*known.unreadable));
        return reread({});
      }
      const std::string key = auth::service_key(own_secret_);
      const bool right_secret =
          std::ranges::any_of(known.secrets, [&](const Service::Secret& s) { return constant_time_equal(s.key, key); });
      if (known.disabled)
        log_.warning("own_service_disabled",
            "This auth service's own SERVICE_ID is disabled, so no gateway that uses it gets answers. `foyer service "
            "enable` enables it.",
            {{"service", own_id_}});
      if (right_secret && known.may(own_id_)) {
        own_written_ = true;
        return reread({});
      }
      if (!known.may(own_id_)) row.may_call.push_back(own_id_);
      if (!right_secret) row.secrets = {secret()};
      write_own(std::move(row), false, right_secret ? "may call itself" : "another secret, from the configuration");
    });
  });
}

void ServiceRegistry::write_own(ServiceRow row, bool fresh, std::string detail) {
  writing_own_ = true;
  AuditRow audit{.at = clock_.wall(),
      .action = fresh ? "service_add" : "service_change",
      .outcome = "OK",
      .user = {},
      .address = {},
      .ref = {},
      .detail = fmt::format("{}: {}", row.id, detail)};
  log_.info(fresh ? "own_service_registered" : "own_service_changed",
      fresh ? "This auth service registers its own SERVICE_ID."
            : "The registration of this auth service's own SERVICE_ID has changed.",
      {{"service", row.id}, {"what", detail}});
  auto done = [this, runners = runners_](Result<bool> written) {
    runners->control.post([this, written = std::move(written)] {
      writing_own_ = false;
      own_written_ = written.has_value();
      if (!written && written.error().cause != Cause::NAME_TAKEN)
        log_.warning("own_service_unwritten", written.error().operator_text(),
            {{"service", own_id_}, {"code", written.error().code()}});
      reread({});
    });
  };
  if (fresh)
    store_.add_service(std::move(row), std::move(audit), std::move(done));
  else
    store_.change_service(std::move(row), std::move(audit), std::move(done));
}

void ServiceRegistry::reread(std::function<void()> then) {
  if (then) after_reading_.push_back(std::move(then));
  if (reading_) return;
  reading_ = true;
  store_.list_services([this, runners = runners_](Result<std::vector<ServiceRow>> rows) {
    runners->control.post([this, rows = std::move(rows)]() mutable { read(std::move(rows)); });
  });
}

void ServiceRegistry::read(Result<std::vector<ServiceRow>> rows) {
  reading_ = false;
  last_read_ = clock_.mono();
  if (rows) {
    std::vector<Service> services;
    for (const auto& row : *rows) services.push_back(open(row));
    std::erase_if(logged_unreadable_, [&](const std::string& id) {
      return std::ranges::none_of(services, [&](const Service& s) { return s.id == id && s.unreadable; });
    });
    book_.set(std::move(services));
    if (failing_) log_.info("services_readable", "The registered services can be read again.");
    failing_.reset();
    never_read_ = false;
  } else {
    if (!failing_)
      log_.error("services_unreadable", "The registered services cannot be read; the last known ones stay in use.",
          {{"code", rows.error().code()}, {"evidence", rows.error().evidence}});
    failing_ = rows.error();
  }
  for (auto& then : std::exchange(after_reading_, {})) then();
  if (ready_ && (failing_ || book_.find(own_id_) != nullptr)) std::exchange(ready_, {})(true);
}

Service ServiceRegistry::open(const ServiceRow& row) {
  Service out{.id = row.id, .secrets = {}, .may_call = row.may_call, .disabled = row.disabled, .unreadable = {}};
  std::optional<Refusal> fault;
  for (const auto& secret : row.secrets) {
    if (out.secrets.size() == kLiveSecrets) break;
    auto key = seal_.open(secret.sealed_key, about(row.id));
    if (key)
      out.secrets.push_back({.key = std::move(*key), .fingerprints = secret.fingerprints});
    else
      fault = std::move(key).error();
  }
  if (!fault) return out;
  if (std::ranges::find(logged_unreadable_, row.id) == logged_unreadable_.end()) {
    log_.error("service_unreadable", fault->operator_text(), {{"service", row.id}, {"code", fault->code()}});
    logged_unreadable_.push_back(row.id);
  }
  if (out.secrets.empty()) out.unreadable = std::move(fault);
  return out;
}

Result<bool> ServiceRegistry::was_read() const {
  if (!never_read_) return true;
  return std::unexpected(
      failing_.value_or(Refusal{.cause = Cause::BUSY, .evidence = "the registered services were not read yet"}));
}

Result<ProvenService> ServiceRegistry::check(const Request& request) const {
  TRY_VOID(was_read());
  return book_.check(request, own_id_, clock_.wall(), clock_.mono());
}

// A request is valid within the window before and after its own time, so a nonce
// older than both cannot be replayed in a request that has not expired.
void ServiceRegistry::use_nonce(const Request& request, Result<ProvenService> proven, Completion<ProvenService> done) {
  if (!proven) return done(std::move(proven));
  const std::size_t most =
      request.path.starts_with("/internal/") ? policy_.max_nonces : policy_.max_nonces - policy_.max_nonces / 10;
  const std::string* nonce = request.headers.find(auth::kServiceNonceHeader);
  engine::TakeRequest take{.key = {std::string{kNonces}, fmt::format("{}\n{}", proven->service.id, *nonce)},
      .remember = 2 * auth::kRequestWindow,
      .most = most};
  shared_.take_once(
      std::move(take), [this, proven = std::move(proven), done = std::move(done)](Result<engine::Taken> taken) mutable {
    nonces_meter_.used(shared_.remembered(kNonces));
    if (!taken) {
      if (taken.error().cause == Cause::BUSY) nonces_meter_.refused();
      return done(std::unexpected(std::move(taken).error()));
    }
    if (!taken->first)
      return done(refuse_field(Cause::SERVICE_REQUEST_REPLAYED, std::string{auth::kServiceNonceHeader},
          fmt::format("the nonce of service {} was seen before", proven->service.id)));
    done(std::move(proven));
  });
}

bool ServiceRegistry::worth_a_look(const Result<ProvenService>& proven) const {
  if (proven) return false;
  if (never_read_) return true;
  const Cause cause = proven.error().cause;
  if (cause != Cause::SERVICE_UNKNOWN && cause != Cause::SERVICE_SECRET_REJECTED) return false;
  return reading_ || clock_.mono() - last_read_ >= policy_.reread_at_most_every;
}

void ServiceRegistry::look_again(std::function<Result<ProvenService>()> again, Completion<ProvenService> done) {
  const auto shared = std::make_shared<Completion<ProvenService>>(std::move(done));
  reread([this, again = std::move(again), shared] {
    auto proven = again();
    // Before the first reading, an id cannot be called unknown.
    if (!proven && failing_ &&
        (proven.error().cause == Cause::SERVICE_UNKNOWN || proven.error().cause == Cause::SERVICE_SECRET_REJECTED))
      proven = std::unexpected(*failing_);
    (*shared)(std::move(proven));
  });
}

void ServiceRegistry::authenticate(const Request& request, Completion<ProvenService> done) {
  auto proven = check(request);
  if (!worth_a_look(proven)) return use_nonce(request, std::move(proven), std::move(done));
  const auto kept = std::make_shared<const Request>(request);
  look_again(
      [this, kept] { return check(*kept); }, [this, kept, done = std::move(done)](Result<ProvenService> again) mutable {
    use_nonce(*kept, std::move(again), std::move(done));
  });
}

void ServiceRegistry::authenticate_secret(std::string id, std::string secret, Completion<ProvenService> done) {
  const auto again = [this, id = std::move(id), secret = std::move(secret)]() -> Result<ProvenService> {
    TRY_VOID(was_read());
    return book_.check_secret(id, secret);
  };
  auto proven = again();
  if (!worth_a_look(proven)) return done(std::move(proven));
  look_again(again, std::move(done));
}

void ServiceRegistry::report_variant(std::string_view id, std::string_view fingerprint) {
  const Service* service = find(id);
  if (service == nullptr || fingerprint.empty()) return;
  const MonoTime now = clock_.mono();
  auto& logged = logged_variant_[service->id];
  if (logged != MonoTime{} && now - logged < kLogVariantEvery) return;
  logged = now;
  for (const auto& secret : service->secrets)
    for (const auto& [variant, print] : secret.fingerprints) {
      if (print != fingerprint) continue;
      const bool same = &variant == &secret.fingerprints.front().first;
      const std::string what = same
          ? fmt::format(
                "{} has the right secret, but its signature is wrong: something in between modifies the request",
                service->id)
          : fmt::format("the secret of {} is ours {}", service->id, variant);
      return log_.error("service_secret_variant", what,
          {{"code", code_of(Cause::SERVICE_SECRET_MISMATCH)}, {"service", service->id}, {"variant", variant}});
    }
  log_.error("service_secret_variant",
      fmt::format("the secret of {} is different from ours, and not by a copying mistake", service->id),
      {{"code", code_of(Cause::SERVICE_SECRET_MISMATCH)}, {"service", service->id},
          {"fingerprint", printable(fingerprint, 16)}});
}

// ---- on whose behalf

bool claims_a_service(const Request& request) {
  constexpr std::array<std::string_view, 7> kHeaders = {auth::kServiceIdHeader, auth::kServiceTimeHeader,
      auth::kServiceNonceHeader, auth::kServiceSignatureHeader, auth::kClientAddressHeader, auth::kClientRefHeader,
      auth::kClientOriginHeader};
  return std::ranges::any_of(kHeaders, [&](std::string_view name) { return request.headers.find(name) != nullptr; });
}

void find_sender(ServiceRegistry* services, Request request, std::move_only_function<void(Sender)> then) {
  if (!claims_a_service(request)) return then({.request = std::move(request), .service = {}, .refused = {}});
  if (services == nullptr)
    return then({.request = std::move(request),
        .service = {},
        .refused = Refusal{.cause = Cause::SERVICE_UNKNOWN, .evidence = "this process has no services"}});
  const auto kept = std::make_shared<Request>(std::move(request));
  services->authenticate(*kept, [kept, then = std::move(then)](Result<ProvenService> proven) mutable {
    if (!proven) return then({.request = std::move(*kept), .service = {}, .refused = std::move(proven).error()});
    Request& behind = *kept;
    if (!proven->address.empty()) behind.address = proven->address;
    if (!proven->ref.empty()) behind.ref = Ref{printable(proven->ref, 64)};
    if (!proven->origin.empty()) {
      behind.origin_url = proven->origin;
      behind.secure = proven->origin.starts_with("https://");
    }
    then({.request = std::move(behind), .service = std::move(*proven), .refused = {}});
  });
}

} // namespace foyer::accounts

// The services that may ask this one, or get tokens for each other: who they are
// and how they prove it.
//
//   ServiceBook      what is known, and the decision about one request; pure
//   ServiceRegistry  keeps the book: reads the store every second, because other
//                    processes change it (`foyer service`), and at once when
//                    somebody unknown or with another secret asks
//
// A request proves its sender by a signature (auth/contract/signature.h), a client of
// /oauth2/* by the secret itself. Only k, derived from the secret, is kept, sealed.
// All but the constructors run on the control plane's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "accounts/runners.h"
#include "accounts/store.h"
#include "auth/contract/signature.h"
#include "base/http.h"
#include "base/limit_metrics.h"
#include "base/log.h"
#include "engine/shared_state.h"
#include "store/seal.h"

namespace foyer::accounts {

// The option whose fingerprint `foyer check` and a challenge show.
inline constexpr std::string_view kServiceSecretOption = "service_secret";

// A registered service with its secrets opened.
struct Service {
  struct Secret {
    std::string key = {}; // k
    std::vector<std::pair<std::string, std::string>> fingerprints = {};
  };
  std::string id = {};
  std::vector<Secret> secrets = {}; // one, or two while rotating; the newest first
  std::vector<std::string> may_call = {};
  bool disabled = false;
  std::optional<Refusal> unreadable = {}; // STORE_KEY_MISMATCH: none of its secrets opens

  [[nodiscard]] bool may(std::string_view target) const;
};

// STORE_KEY_MISMATCH when it has secrets and none of them opens with this key.
[[nodiscard]] Result<void> readable(const ServiceRow& row, const store::SealKey& seal);

// Somebody whose proof was right.
struct ProvenService {
  Service service = {};
  std::string key = {};     // k of the secret that was used
  std::string address = {}; // of the person on whose behalf it asks; empty: it asks for itself
  std::string ref = {};
  std::string origin = {}; // Request::origin_url as that person's gateway saw it
};

struct ServicePolicy {
  std::size_t max_nonces = 500'000; // of the last two kRequestWindow; beyond: BUSY. The last tenth is for /internal/*:
                                    // people whose requests are forwarded cannot fill it
  Millis reread_every = std::chrono::seconds{1};
  Millis reread_at_most_every{250}; // for an unknown id or a rejected secret
};

class ServiceBook {
 public:
  void set(std::vector<Service> services);
  // When this process began to remember nonces. Until it is called nothing is too old for that.
  void begins(MonoTime mono) { began_ = mono; }
  [[nodiscard]] const Service* find(std::string_view id) const;

  // Whose request is this? The first that is not as it should be, in this order:
  // SERVICE_CREDENTIALS_MISSING SERVICE_UNKNOWN SERVICE_SECRET_REJECTED
  // SERVICE_NOT_ALLOWED (disabled; or it may not call `target`) SERVICE_REQUEST_EXPIRED (also from
  // before `begins()`: whether its nonce was used then is not known any more).
  // STORE_KEY_MISMATCH in place of a rejection when our copy of its secrets cannot be opened.
  // Whether its nonce was used before the registry asks.
  [[nodiscard]] Result<ProvenService> check(
      const Request& request, std::string_view target, WallTime now, MonoTime mono) const;
  // By the secret itself: SERVICE_UNKNOWN SERVICE_SECRET_REJECTED SERVICE_NOT_ALLOWED (disabled).
  [[nodiscard]] Result<ProvenService> check_secret(std::string_view id, std::string_view secret) const;

 private:
  std::optional<MonoTime> began_;
  std::map<std::string, Service, std::less<>> services_;
};

// A row for a new secret. No fingerprints for one that is not `strong`: eight hex digits would help to guess it.
[[nodiscard]] ServiceSecretRow seal_service_secret(const store::SealKey& seal, std::string_view id,
    std::string_view secret, bool strong, WallTime now, Entropy& entropy);
// 1 to 64 of [A-Za-z0-9._:-]. INVALID_VALUE with field "id".
[[nodiscard]] Result<bool> check_service_id(std::string_view id);

class ServiceRegistry {
 public:
  // `strong`: may fingerprints of this secret be kept? `shared` remembers nonces, and answers on the control plane. The
  // references outlive the registry.
  ServiceRegistry(AccountStore& store, store::SealKey seal, Runners runners, engine::SharedState& shared,
      const Clock& clock, Entropy& entropy, Log& log, Metrics& metrics,
      std::function<bool(std::string_view secret)> strong, ServicePolicy policy = {});

  // Begins to read. `id` is our own service: registered with `secret`, which may call
  // itself. When it is registered with other secrets only, this one takes their place.
  // Once, from any thread; what the store cannot do yet is tried again every second.
  // `ready` is called once, on the control plane's thread, when it knows its own service or the store has failed it;
  // with STORE_KEY_MISMATCH when its own row is sealed with another key: then it is left as it is.
  // `began`: before this process opened its port; requests from before are refused. By default now.
  void start(std::string id, std::string secret, Completion<bool> ready = {}, std::optional<MonoTime> began = {});
  [[nodiscard]] const std::string& own_id() const { return own_id_; }

  // As ServiceBook's, asked again after a fresh look into the store where that may help; then
  // SERVICE_REQUEST_REPLAYED, BUSY when no more nonces can be remembered. Before
  // anything was read: the store's refusal. May answer at once.
  void authenticate(const Request& request, Completion<ProvenService> done); // may it call us?
  void authenticate_secret(std::string id, std::string secret, Completion<ProvenService> done);
  [[nodiscard]] const Service* find(std::string_view id) const { return book_.find(id); }

  // After SERVICE_SECRET_REJECTED: says in our log (at most once a minute for a service)
  // how the sender's secret differs from ours, if its fingerprint shows it. Never in an answer.
  void report_variant(std::string_view id, std::string_view fingerprint);

 private:
  void reread(std::function<void()> then);
  void read(Result<std::vector<ServiceRow>> rows);
  [[nodiscard]] Service open(const ServiceRow& row);
  void register_own();
  void write_own(ServiceRow row, bool fresh, std::string detail);
  [[nodiscard]] Result<bool> was_read() const;
  [[nodiscard]] Result<ProvenService> check(const Request& request) const;
  void use_nonce(const Request& request, Result<ProvenService> proven, Completion<ProvenService> done);
  // Would a fresh look into the store perhaps tell otherwise, and may there be one now?
  [[nodiscard]] bool worth_a_look(const Result<ProvenService>& proven) const;
  void look_again(std::function<Result<ProvenService>()> again, Completion<ProvenService> done);

  AccountStore& store_;
  const store::SealKey seal_;
  const std::shared_ptr<const Runners> runners_;
  engine::SharedState& shared_;
  const Clock& clock_;
  Entropy& entropy_;
  Log& log_;
  const std::function<bool(std::string_view)> strong_;
  const ServicePolicy policy_;
  ServiceBook book_;
  LimitMeter nonces_meter_;
  std::string own_id_;
  std::string own_secret_;
  bool own_written_ = false;
  bool writing_own_ = false;

  bool never_read_ = true;
  Completion<bool> ready_;
  std::optional<Refusal> failing_ = {}; // why the last look saw nothing
  bool reading_ = false;
  MonoTime last_read_{};
  std::vector<std::function<void()>> after_reading_;
  std::vector<std::string> logged_unreadable_;
  std::map<std::string, MonoTime, std::less<>> logged_variant_;
};

// A request with its sender: as it came, or for a person behind a gateway whose
// signature is right: then address, ref and origin are that person's.
struct Sender {
  Request request = {};
  std::optional<ProvenService> service = {};
  std::optional<Refusal> refused = {}; // it claims to be a service's and is not
};
// Does it claim to come from a service? What does must prove it.
[[nodiscard]] bool claims_a_service(const Request& request);
// `services` may be null: then nobody can prove anything. On the control plane's thread; may answer at once.
void find_sender(ServiceRegistry* services, Request request, std::move_only_function<void(Sender)> then);

} // namespace foyer::accounts

// The services that may call this one, or get tokens for each other: their registration
// and authentication.
//
//   ServiceBook      the known services, and the decision about one request; pure
//   ServiceRegistry  keeps the book: reads the store every second, because other
//                    processes change it (`foyer service`), and at once for an
//                    unknown id or another secret
//
// A request authenticates its sender by a signature (auth/contract/signature.h), a client of
// /oauth2/* by the secret itself. Only k, derived from the secret, is stored, sealed.
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

// A registered service with its secrets decrypted.
struct Service {
  struct Secret {
    std::string key = {}; // k
    std::vector<std::pair<std::string, std::string>> fingerprints = {};
  };
  std::string id = {};
  std::vector<Secret> secrets = {}; // one, or two while rotating; the newest first
  std::vector<std::string> may_call = {};
  bool disabled = false;
  std::optional<Refusal> unreadable = {}; // STORE_KEY_MISMATCH: none of its secrets can be opened

  [[nodiscard]] bool may(std::string_view target) const;
};

// STORE_KEY_MISMATCH when it has secrets and none of them can be opened with this key.
[[nodiscard]] Result<void> readable(const ServiceRow& row, const store::SealKey& seal);

// A service with a valid proof.
struct ProvenService {
  Service service = {};
  std::string key = {};     // k of the secret that was used
  std::string address = {}; // of the person it acts for; empty: it acts for itself
  std::string ref = {};
  std::string origin = {}; // Request::origin_url as seen by that person's gateway
};

struct ServicePolicy {
  std::size_t max_nonces = 500'000; // within the last two kRequestWindow; beyond: BUSY. The last tenth is for
                                    // /internal/*: forwarded requests of people cannot fill it
  bool nonces_survive = false; // of a process that ended: then its last requests cannot be replayed to the next one
  Millis reread_every = std::chrono::seconds{1};
  Millis reread_at_most_every{250}; // for an unknown id or a rejected secret
};

class ServiceBook {
 public:
  void set(std::vector<Service> services);
  // The time from which nonces are remembered. Until it is called, no request is too old.
  void begins(MonoTime mono) { began_ = mono; }
  [[nodiscard]] const Service* find(std::string_view id) const;

  // The sender of a request. The first fault, in this order:
  // SERVICE_CREDENTIALS_MISSING SERVICE_UNKNOWN SERVICE_SECRET_REJECTED
  // SERVICE_NOT_ALLOWED (disabled; or it may not call `target`) SERVICE_REQUEST_EXPIRED (also from
  // before `begins()`: whether its nonce was used then is unknown).
  // STORE_KEY_MISMATCH in place of a rejection if our copy of its secrets cannot be opened.
  // The registry checks whether the nonce was used before.
  [[nodiscard]] Result<ProvenService> check(
      const Request& request, std::string_view target, WallTime now, MonoTime mono) const;
  // By the secret itself: SERVICE_UNKNOWN SERVICE_SECRET_REJECTED SERVICE_NOT_ALLOWED (disabled).
  [[nodiscard]] Result<ProvenService> check_secret(std::string_view id, std::string_view secret) const;

 private:
  std::optional<MonoTime> began_;
  std::map<std::string, Service, std::less<>> services_;
};

// A row for a new secret. No fingerprints unless it is `strong`: eight hex digits would help to guess it.
[[nodiscard]] ServiceSecretRow seal_service_secret(const store::SealKey& seal, std::string_view id,
    std::string_view secret, bool strong, WallTime now, Entropy& entropy);
// 1 to 64 of [A-Za-z0-9._:-]. INVALID_VALUE with field "id".
[[nodiscard]] Result<bool> check_service_id(std::string_view id);

class ServiceRegistry {
 public:
  // `strong`: whether fingerprints of this secret may be stored. `shared` remembers nonces, and answers on the control
  // plane. The references outlive the registry.
  ServiceRegistry(AccountStore& store, store::SealKey seal, Runners runners, engine::SharedEntries& shared,
      const Clock& clock, Entropy& entropy, Log& log, Metrics& metrics,
      std::function<bool(std::string_view secret)> strong, ServicePolicy policy = {});

  // Starts reading. `id` is our own service: registered with `secret`, and allowed to call
  // itself. If it is registered with other secrets only, this one replaces them.
  // Once, from any thread; while the store fails this is retried every second.
  // `ready` is called once, on the control plane's thread, when it knows its own service or the store has failed;
  // with STORE_KEY_MISMATCH if its own row is sealed with another key: then the row is unchanged.
  // `began`: before this process opened its port; earlier requests are refused unless nonces survive. By default now.
  void start(std::string id, std::string secret, Completion<bool> ready = {}, std::optional<MonoTime> began = {});
  [[nodiscard]] const std::string& own_id() const { return own_id_; }

  // As ServiceBook's, repeated after rereading the store if that may help; then
  // SERVICE_REQUEST_REPLAYED, or BUSY when no more nonces can be remembered. Before
  // the first reading: the store's refusal. May answer at once.
  void authenticate(const Request& request, Completion<ProvenService> done); // may it call us?
  void authenticate_secret(std::string id, std::string secret, Completion<ProvenService> done);
  [[nodiscard]] const Service* find(std::string_view id) const { return book_.find(id); }

  // After SERVICE_SECRET_REJECTED: logs (at most once a minute for a service)
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
  // Whether rereading the store might change the result, and is allowed now.
  [[nodiscard]] bool worth_a_look(const Result<ProvenService>& proven) const;
  void look_again(std::function<Result<ProvenService>()> again, Completion<ProvenService> done);

  AccountStore& store_;
  const store::SealKey seal_;
  const std::shared_ptr<const Runners> runners_;
  engine::SharedEntries& shared_;
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
  std::optional<Refusal> failing_ = {}; // why the last reading failed
  bool reading_ = false;
  MonoTime last_read_{};
  std::vector<std::function<void()>> after_reading_;
  std::vector<std::string> logged_unreadable_;
  std::map<std::string, MonoTime, std::less<>> logged_variant_;
};

// A request with its sender: unchanged, or on behalf of a person behind a gateway whose
// signature is valid: then address, ref and origin are that person's.
struct Sender {
  Request request = {};
  std::optional<ProvenService> service = {};
  std::optional<Refusal> refused = {}; // it claims to come from a service and does not
};
// Whether it claims to come from a service. Such a request must prove it.
[[nodiscard]] bool claims_a_service(const Request& request);
// `services` may be null: then no proof is valid. On the control plane's thread; may answer at once.
void find_sender(ServiceRegistry* services, Request request, std::move_only_function<void(Sender)> then);

} // namespace foyer::accounts

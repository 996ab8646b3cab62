// Compares the gateway's configuration with the auth service's: at startup until there is an
// answer, and every minute: the same service secret (proved both ways, never
// shown), the same keys for tokens, the same issuer and audience, contract, environment
// and time. A
// finding is a Refusal with evidence, known before any user meets it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/contract/signature.h"
#include "auth/transport.h"
#include "base/refusal.h"

namespace foyer::auth {

// The gateway's side of the comparison.
struct FitFacts {
  std::string version = {};
  std::string build = {};
  std::string environment = {};
  std::string issuer = {};   // of the tokens that it accepts; empty: not compared
  std::string audience = {}; // that it requires; empty: not compared
  std::string service_secret = {};
  std::string jwt_secret_key = {}; // empty: it verifies with public keys
  std::function<std::vector<std::string>()> kids =
      {};                // of the key set in use; empty while there is none. The plane's thread
  Millis leeway{30'000}; // accepted difference of the clocks
};

struct FitPolicy {
  Millis interval{60'000};
  Millis probe_interval{10 * 60'000}; // shortest time between two attempts with variants of the secret
  Millis connect_timeout{1'000};
  Millis timeout{3'000};
};

struct FitStatus {
  bool answered = false;              // at least once; until then see `fault`
  std::vector<Refusal> findings = {}; // of the last answer; none: the two match
  std::optional<Refusal> fault = {};  // why the last challenge was not answered
  std::optional<WallTime> since = {}; // of the current findings
  std::string peer_version = {};
  std::string peer_build = {};
};

class CompatibilityMonitor {
 public:
  CompatibilityMonitor(Context around, const ServiceIdentity& identity, FitFacts facts, FitPolicy policy = {});
  ~CompatibilityMonitor(); // on the plane's thread, or when it has stopped
  CompatibilityMonitor(const CompatibilityMonitor&) = delete;
  CompatibilityMonitor& operator=(const CompatibilityMonitor&) = delete;

  void start();                           // once, from any thread
  [[nodiscard]] FitStatus status() const; // any thread

 private:
  struct Challenger;
  std::shared_ptr<Challenger> challenger_;
};

} // namespace foyer::auth

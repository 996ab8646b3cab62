// The issuers whose tokens this server accepts: the verifiers of the trusted ones, with the connections that fetch
// their key sets; and the own one beside them.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "auth/issuers.h"
#include "auth/key_set_source.h"
#include "auth/transport.h"
#include "config/options.h"
#include "observe/health.h"

namespace foyer::app {

struct Environment;

// For one issuer; the claims of its tokens must be as these say.
[[nodiscard]] auth::IssuerTerms issuer_terms(const config::Config& config, const auth::TrustedIssuer& issuer);

class TrustedIssuers {
 public:
  // `own`: null without accounts. All references outlive it. KEY_UNREADABLE and others of config::keys_in_file.
  [[nodiscard]] static Result<std::unique_ptr<TrustedIssuers>> make(
      const config::Config& config, const Environment& environment, const auth::LocalVerifier* own);

  void start(); // fetches the key sets; does not wait for them
  // Waits so long for the first key set of each; the log says why one does not arrive. Not on the control plane.
  void wait_for_keys(Millis at_most);
  [[nodiscard]] const auth::Issuers& issuers() const { return *issuers_; }
  // For a token with an unknown key: whether its issuer has newer keys now (KeySetSource::refresh). From any thread.
  // False for an issuer whose keys are in a file; nothing if the token is not of a trusted issuer.
  using Refresh = std::function<bool(const std::string& token, Completion<bool>& done)>;
  [[nodiscard]] Refresh refresh();
  bool reload(); // fetches all key sets now; false if there are none
  [[nodiscard]] std::vector<observe::HealthCheck> ready() const;

 private:
  TrustedIssuers(const config::Config& config, const Environment& environment)
      : config_(config),
        around_(environment) {}
  struct Keys { // of one issuer
    std::unique_ptr<auth::Transport> server;
    std::unique_ptr<auth::KeySetSource> source; // null: in a file
    bool awaited = false;                       // its first set; under `first_`
  };
  [[nodiscard]] Result<std::unique_ptr<auth::IssuerVerifier>> make_one(const auth::TrustedIssuer& issuer);
  [[nodiscard]] Result<Keys> fetched(const auth::TrustedIssuer& issuer);
  [[nodiscard]] Keys* keys_of(const auth::IssuerVerifier* issuer);

  const config::Config& config_;
  const Environment& around_;
  void take_keys(std::size_t index, std::shared_ptr<const jose::KeySet> keys);
  std::vector<Keys> keys_; // in the order of the issuers
  std::mutex first_;
  std::condition_variable arrived_;
  std::unique_ptr<auth::Issuers> issuers_;
};

} // namespace foyer::app

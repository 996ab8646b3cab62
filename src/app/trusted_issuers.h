// The issuers whose tokens this server accepts: the trusted ones, with the connections that fetch their key sets, and
// the server's own.
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

// The requirements for the claims in an issuer's tokens.
[[nodiscard]] auth::IssuerTerms issuer_terms(const config::Config& config, const auth::TrustedIssuer& issuer);

class TrustedIssuers {
 public:
  // `own`: the verifier of the server's own tokens; null without accounts. All references must outlive this.
  // KEY_UNREADABLE and the other refusals of config::keys_in_file.
  [[nodiscard]] static Result<std::unique_ptr<TrustedIssuers>> make(
      const config::Config& config, const Environment& environment, const auth::LocalVerifier* own);

  void start(); // fetches the key sets; does not wait for them
  // Waits for the first key set of each issuer. If one does not arrive, its source has logged why. Not on the control
  // plane.
  void wait_for_keys(Millis at_most);
  [[nodiscard]] const auth::Issuers& issuers() const { return *issuers_; }
  // For a token with an unknown key: `done` gets whether its issuer has newer keys (KeySetSource::refresh), false if
  // the keys are in a file. Returns false, with `done` untouched, if the token is not of a trusted issuer. Any thread.
  using Refresh = std::function<bool(const std::string& token, Completion<bool>& done)>;
  [[nodiscard]] Refresh refresh();
  bool reload(); // fetches all key sets now; false if there are none
  [[nodiscard]] std::vector<observe::HealthCheck> ready() const;

 private:
  TrustedIssuers(const config::Config& config, const Environment& environment)
      : config_(config),
        environment_(environment) {}
  struct Keys { // of one trusted issuer
    std::unique_ptr<auth::Transport> server;
    std::unique_ptr<auth::KeySetSource> source; // null: the keys are in a file
    bool awaited = false;                       // its first key set has not arrived; guarded by first_
  };
  [[nodiscard]] Result<std::unique_ptr<auth::IssuerVerifier>> make_one(const auth::TrustedIssuer& issuer);
  [[nodiscard]] Result<Keys> fetched(const auth::TrustedIssuer& issuer);
  [[nodiscard]] Keys* keys_of(const auth::IssuerVerifier* issuer);

  const config::Config& config_;
  const Environment& environment_;
  void take_keys(std::size_t index, std::shared_ptr<const jose::KeySet> keys);
  std::vector<Keys> keys_; // in the order of the issuers
  std::mutex first_;
  std::condition_variable arrived_;
  std::unique_ptr<auth::Issuers> issuers_;
};

} // namespace foyer::app

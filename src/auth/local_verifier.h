// Verification of access tokens in this process: no call to the auth service
// for a connection with a JWT. Thread safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string_view>

#include "auth/token_verifier.h"
#include "base/metrics.h"
#include "base/refusal.h"
#include "jose/verifier.h"

namespace foyer::auth {

class LocalVerifier final : public TokenVerifier {
 public:
  // `own_issuer`: valid tokens belong to our own accounts. `doubt`: why the keys must not be
  // relied upon any more, if so (they were fetched too long ago); any thread; empty: never.
  LocalVerifier(
      jose::Verifier verifier, bool own_issuer, Metrics& metrics, std::function<std::optional<Refusal>()> doubt = {});

  // The causes of jose::Verifier::verify, and for a token that passes, the refusal of `doubt`. Use of the leeway is
  // counted.
  [[nodiscard]] Result<Identity> verify(std::string_view token, WallTime now) const override;
  [[nodiscard]] Result<RoomToken> verify_room(std::string_view token, WallTime now) const override;

  // Who holds a token that this server's accounts issued to a service: its `typ` is `type` and its `aud` is `audience`.
  // Refusals as of verify().
  [[nodiscard]] Result<Identity> verify_service(
      std::string_view token, std::string_view type, std::string_view audience, WallTime now) const;

  // Replaces the key set (rotation); verifications in progress keep the old one.
  void replace_keys(std::shared_ptr<const jose::KeySet> keys);
  [[nodiscard]] std::shared_ptr<const jose::Verifier> current() const;

 private:
  [[nodiscard]] Result<jose::Claims> checked(std::string_view token, WallTime now, jose::TokenUse use) const;
  [[nodiscard]] Result<jose::Claims> counted(Result<jose::Claims> claims) const;

  mutable std::shared_mutex mutex_; // guards only the pointer
  std::shared_ptr<const jose::Verifier> verifier_;
  const bool own_issuer_;
  const std::function<std::optional<Refusal>()> doubt_;
  Counter& accepted_;
  Counter& refused_;
  Counter& leeway_used_;
};

} // namespace foyer::auth

// Verification of access tokens in this process: what the gateway asks, whoever issued the token.
#pragma once

#include <string>
#include <string_view>

#include "base/completion.h"
#include "base/refusal.h"

namespace foyer::auth {

class TokenVerifier {
 public:
  virtual ~TokenVerifier() = default;
  // From any thread.
  [[nodiscard]] virtual Result<Identity> verify(std::string_view token, WallTime now) const = 0;
};

} // namespace foyer::auth

// Verification of access tokens in this process: what the gateway asks, whoever issued the token.
#pragma once

#include <string>
#include <string_view>

#include "base/completion.h"
#include "base/refusal.h"

namespace foyer::auth {

// A token that names one room, for the user of a connection: with the type room+jwt, or with a claim `room` or
// `channel`.
struct RoomToken {
  Identity identity; // its user, and what revocations are about
  std::string room;
};

class TokenVerifier {
 public:
  virtual ~TokenVerifier() = default;
  // From any thread.
  [[nodiscard]] virtual Result<Identity> verify(std::string_view token, WallTime now) const = 0;
  // WRONG_TOKEN_TYPE for a token that names no room; otherwise as verify().
  [[nodiscard]] virtual Result<RoomToken> verify_room(std::string_view token, WallTime now) const = 0;
};

} // namespace foyer::auth

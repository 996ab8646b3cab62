// What a token says about itself, without any key: why a server may refuse it. The token itself is in no result.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace foyer::doctor {

struct TokenLook {
  enum class Form : std::uint8_t {
    jwt,      // three segments that decode
    opaque,   // no dots: only the server knows what it means
    wrapped,  // with a prefix, quotes or an encoding that does not belong to it (`defect`)
    broken,   // was meant to be a JWT (`defect`)
    encrypted // five segments: a JWE
  } form = Form::opaque;
  std::string defect = {}; // "2 dots expected, 1 found"
  std::string claims = {}; // "alg RS256, kid k1, issuer https://a.example, audience chat"; printable
  std::optional<WallTime> expires = {};
  std::optional<WallTime> begins = {}; // nbf
};

[[nodiscard]] TokenLook look_at_token(std::string_view token);

} // namespace foyer::doctor

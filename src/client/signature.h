// Secrets and signatures of the Standard Webhooks specification, symmetric form: of requests to an application, which
// are its webhooks and questions to it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/refusal.h"

namespace foyer::client {

// "whsec_" and the standard base64, with padding, of 32 random bytes.
[[nodiscard]] std::string make_secret(Entropy& entropy);
// The 24 to 64 bytes of a secret. INVALID_VALUE.
[[nodiscard]] Result<std::string> key_of(std::string_view secret);
// The header `webhook-signature`: "v1,A v1,B", one for each key. `timestamp` in seconds.
[[nodiscard]] std::string sign(
    std::span<const std::string> keys, std::string_view id, std::int64_t timestamp, std::string_view body);

} // namespace foyer::client

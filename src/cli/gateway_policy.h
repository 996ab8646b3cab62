// How the gateway behaves, out of the configuration.
#pragma once

#include "base/clock.h"
#include "config/options.h"
#include "gateway/deps.h"
#include "http/policy.h"
#include "jose/verifier.h"
#include "observe/build_info.h"
#include "protocol/foyer_v1/foyer_v1.h"

namespace foyer::cli {

[[nodiscard]] gateway::GatewayPolicy gateway_policy(const config::Config& config);
// What clients of foyer.v1 learn when they are admitted.
[[nodiscard]] protocol::WelcomeConstants welcome_constants(
    const config::Config& config, const observe::BuildInfo& build);
[[nodiscard]] http::Policy http_policy(const config::Config& config);
[[nodiscard]] admission::AddressPolicy address_policy(const config::Config& config, Entropy& entropy);
[[nodiscard]] auth::RevocationPolicy revocation_policy(const config::Config& config);
// What an access token must say.
[[nodiscard]] jose::VerifierPolicy verifier_policy(const config::Config& config);

} // namespace foyer::cli

// Builds the policies of the modules from a configuration whose addresses are resolved: the fields that options point
// to, and the values that follow from several options. No other code does this.
#pragma once

#include <cstddef>
#include <vector>

#include "accounts/policy.h"
#include "admission/policy.h"
#include "auth/policy.h"
#include "auth/revocation_table.h"
#include "base/clock.h"
#include "config/options.h"
#include "gateway/policy.h"
#include "http/policy.h"
#include "jose/verifier.h"
#include "observe/build_info.h"
#include "protocol/foyer_v1/foyer_v1.h"

namespace foyer::app {

[[nodiscard]] http::Policy http_policy(const config::Config& config);
[[nodiscard]] admission::DoorPolicy door_policy(const config::Config& config);
[[nodiscard]] rooms::RoomRules room_rules(const config::Config& config);
// `loops`: the number of loops that share the rooms of the process.
[[nodiscard]] gateway::GatewayPolicy gateway_policy(const config::Config& config, std::size_t loops);
// What foyer.v1 sends to every admitted client.
[[nodiscard]] protocol::WelcomeConstants welcome_constants(
    const config::Config& config, const observe::BuildInfo& build);
[[nodiscard]] admission::AddressPolicy address_policy(const config::Config& config, Entropy& entropy);
// For plain GETs on the paths of sockets.
[[nodiscard]] admission::AddressPolicy plain_get_policy(const admission::AddressPolicy& addresses);
[[nodiscard]] accounts::AccountsPolicy accounts_policy(const config::Config& config);
[[nodiscard]] auth::RevocationPolicy revocation_policy(const config::Config& config);
[[nodiscard]] std::vector<auth::RevocationSource> revocation_sources(const config::Config& config);
// The requirements for access tokens of this installation.
[[nodiscard]] jose::VerifierPolicy verifier_policy(const config::Config& config);

} // namespace foyer::app

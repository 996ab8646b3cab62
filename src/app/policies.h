// The policies of the modules, built from a configuration whose addresses are resolved: the fields that options point
// to, and what follows from several options together. The only place that does this.
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
// `loops`: how many share the rooms of the process.
[[nodiscard]] gateway::GatewayPolicy gateway_policy(const config::Config& config, std::size_t loops);
// What clients of foyer.v1 are sent when they are admitted.
[[nodiscard]] protocol::WelcomeConstants welcome_constants(
    const config::Config& config, const observe::BuildInfo& build);
[[nodiscard]] admission::AddressPolicy address_policy(const config::Config& config, Entropy& entropy);
// Of plain GETs on the paths of sockets.
[[nodiscard]] admission::AddressPolicy plain_get_policy(const admission::AddressPolicy& addresses);
[[nodiscard]] accounts::AccountsPolicy accounts_policy(const config::Config& config);
[[nodiscard]] auth::RevocationPolicy revocation_policy(const config::Config& config);
[[nodiscard]] std::vector<auth::RevocationSource> revocation_sources(const config::Config& config);
// The requirements for an access token.
[[nodiscard]] jose::VerifierPolicy verifier_policy(const config::Config& config);

} // namespace foyer::app

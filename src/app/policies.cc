#include "app/policies.h"

#include <algorithm>
#include <span>

#include "http/client_address.h"

namespace foyer::app {

admission::DoorPolicy door_policy(const config::Config& c) {
  admission::DoorPolicy door = c.gateway.door;
  if (c.role_gateway) {
    door.sockets.push_back(
        {.path = "/ws/chat", .subprotocols = {"foyer.v1"}, .needs_token = true, .needs_chat_permission = true});
    if (c.echo != config::EchoAccess::off)
      door.sockets.push_back({.path = "/ws/echo",
          .subprotocols = {"foyer.v1"},
          .needs_token = c.echo == config::EchoAccess::token,
          .needs_chat_permission = false});
  }
  door.allowed_origins = c.allowed_origins;
  door.allowed_hosts = c.allowed_hosts;
  door.public_ws_base = "ws" + c.public_url.substr(4); // http → ws, https → wss
  door.base_path = c.base_path;
  door.secure_cookies = config::is_strict(c.environment);
  return door;
}

rooms::RoomRules room_rules(const config::Config& c) { return rooms::RoomRules{c.room_rules, c.non_durable_rooms}; }

gateway::GatewayPolicy gateway_policy(const config::Config& c, std::size_t loops) {
  gateway::GatewayPolicy policy = c.gateway;
  static_cast<http::SocketPolicy&>(policy) = c.http;
  policy.door = door_policy(c);
  policy.leeway = c.jwt_leeway;
  policy.rooms.rooms_loaded = std::max<std::size_t>(1, policy.rooms.rooms_loaded / loops); // each loop gets its share
  policy.rooms.memory_bytes /= loops;
  policy.rooms.rules = room_rules(c);
  return policy;
}

protocol::WelcomeConstants welcome_constants(const config::Config& c, const observe::BuildInfo& build) {
  return {.heartbeat = c.gateway.heartbeat_interval,
      .message_bytes = c.gateway.message_bytes,
      .text_bytes = c.gateway.text_bytes,
      .rooms = c.gateway.rooms_per_connection,
      .messages_per_s = c.gateway.messages_per_s,
      .name_bytes = c.gateway.name_bytes,
      .version = build.version,
      .build = build.build,
      .environment = build.environment,
      .config = build.config};
}

http::Policy http_policy(const config::Config& c) {
  http::Policy policy = c.http;
  for (const auto& cidr : c.trusted_proxies)
    if (auto network = http::Network::parse(cidr)) policy.trusted_proxies.networks.push_back(*network);
  return policy;
}

admission::AddressPolicy address_policy(const config::Config& c, Entropy& entropy) {
  admission::AddressPolicy policy = c.addresses;
  entropy.fill(std::as_writable_bytes(std::span(&policy.seed, 1)));
  return policy;
}

admission::AddressPolicy plain_get_policy(const admission::AddressPolicy& addresses) {
  return {.handshakes = 100, .table_size = 16'384, .handshakes_limit = "plain_gets", .seed = addresses.seed};
}

accounts::AccountsPolicy accounts_policy(const config::Config& c) {
  accounts::AccountsPolicy policy = c.accounts;
  policy.issuer = c.jwt_issuer;
  policy.audience = c.jwt_audience;
  policy.environment = std::string(config::to_string(c.environment));
  policy.require_environment_claim = c.require_environment_claim;
  policy.leeway = c.jwt_leeway;
  policy.token_types = c.token_types;
  policy.reveal = c.gateway.door.reveal;
  policy.insecure_cookies = !config::is_strict(c.environment);
  policy.public_url = c.public_url;
  policy.base_path = c.base_path;
  policy.allowed_origins = c.allowed_origins;
  policy.hash_cost.memory_kib = static_cast<std::uint32_t>(c.argon2_memory / 1024);
  policy.refresh.repeat = std::min(policy.refresh.repeat, c.refresh_grace);
  policy.rate = {.burst = static_cast<double>(c.address_auth_requests),
      .per_second = static_cast<double>(c.address_auth_requests) / 10};
  return policy;
}

jose::VerifierPolicy verifier_policy(const config::Config& c) {
  // This installation's own keys state their algorithm, which a rotation may change; for a fetched key set
  // JWT_ALGORITHM states it.
  const auto algorithm = c.jwt_jwks_url.empty() ? std::nullopt : jose::find_algorithm(c.jwt_algorithm);
  return {.issuer = c.jwt_issuer,
      .audience = c.jwt_audience,
      .token_types = c.token_types,
      .environment = std::string(config::to_string(c.environment)),
      .require_environment_claim = c.require_environment_claim,
      .leeway = c.jwt_leeway,
      .max_bytes = c.gateway.door.max_token_bytes,
      .algorithm = algorithm};
}

auth::RevocationPolicy revocation_policy(const config::Config& c) {
  auth::RevocationPolicy policy = c.revocations;
  policy.token_life = std::max<Millis>(c.accounts.access_ttl * 2, policy.token_life);
  if (!c.issuers.empty()) policy.token_life = std::max(policy.token_life, c.max_token_life + c.jwt_leeway);
  return policy;
}

std::vector<auth::RevocationSource> revocation_sources(const config::Config& c) {
  if (!c.role_gateway) return {auth::RevocationSource::accounts};
  std::vector sources{auth::RevocationSource::accounts, auth::RevocationSource::chat_store};
  if (config::with_others(c)) sources.push_back(auth::RevocationSource::record);
  return sources;
}

} // namespace foyer::app

#include "cli/gateway_policy.h"

#include <algorithm>
#include <span>

namespace foyer::cli {

gateway::GatewayPolicy gateway_policy(const config::Config& c) {
  gateway::GatewayPolicy policy;
  auto& door = policy.door;
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
  door.first_message_auth = c.first_message_auth;
  door.token_in_url = c.token_in_url;
  door.refuse_with = c.refuse_with == config::RefuseWith::http ? admission::RefuseWith::http
      : c.refuse_with == config::RefuseWith::close             ? admission::RefuseWith::close
                                                               : admission::RefuseWith::automatic;
  door.max_token_bytes = c.token_bytes;
  door.public_ws_base = "ws" + c.public_url.substr(4); // http → ws, https → wss
  door.base_path = c.base_path;
  door.secure_cookies = config::is_strict(c.environment);
  door.reveal = c.environment == config::Environment::development;
  policy.reveal = door.reveal;
  policy.authenticate_timeout = c.authenticate_timeout;
  policy.heartbeat_interval = c.heartbeat_interval;
  policy.heartbeat_timeout = c.heartbeat_timeout;
  policy.close_linger = c.close_linger;
  policy.leeway = c.jwt_leeway;
  policy.drain_timeout = c.drain_timeout;
  policy.message_bytes = static_cast<std::uint32_t>(c.message_bytes);
  policy.text_bytes = static_cast<std::uint32_t>(c.text_bytes);
  policy.rooms_per_connection = static_cast<std::uint32_t>(c.rooms_per_connection);
  policy.messages_per_s = static_cast<std::uint32_t>(c.messages_per_s);
  policy.messages_burst = static_cast<std::uint32_t>(c.messages_burst);
  const auto or_times = [](std::uint64_t given, std::uint64_t times, std::uint64_t of) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(given != 0 ? given : times * of, UINT32_MAX));
  };
  policy.user = {.messages_per_s = or_times(c.user_messages_per_s, 2, c.messages_per_s),
      .messages_burst = or_times(c.user_messages_burst, 5, c.messages_burst),
      .new_rooms_per_h = static_cast<std::uint32_t>(c.new_rooms_per_h),
      .rooms_loaded = static_cast<std::uint32_t>(c.rooms_loaded_per_user)};
  policy.rooms.messages_per_s = or_times(c.room_messages_per_s, 2, c.messages_per_s);
  policy.rooms.messages_burst = or_times(c.room_messages_burst, 5, c.messages_burst);
  policy.bytes_per_s = c.bytes_per_s;
  policy.bytes_burst = c.bytes_burst;
  policy.bad_messages = static_cast<std::uint32_t>(c.bad_messages);
  policy.outbox_bytes = c.outbox_bytes;
  policy.compression = {.enabled = c.compression,
      .takeover = c.compression_context_takeover,
      .min_bytes = static_cast<std::size_t>(c.compression_min_bytes)};
  policy.rooms.presence_grace = c.presence_grace;
  policy.rooms.presence_events_limit = c.presence_events_limit;
  policy.rooms.durability = rooms::Durability{c.non_durable_rooms};
  policy.rooms.ephemeral.messages = c.memory_messages;
  return policy;
}

protocol::WelcomeConstants welcome_constants(const config::Config& c, const observe::BuildInfo& build) {
  return {.heartbeat = c.heartbeat_interval,
      .message_bytes = c.message_bytes,
      .text_bytes = c.text_bytes,
      .rooms = c.rooms_per_connection,
      .messages_per_s = c.messages_per_s,
      .name_bytes = gateway::GatewayPolicy{}.name_bytes,
      .version = build.version,
      .build = build.build,
      .environment = build.environment,
      .config = build.config};
}

http::Policy http_policy(const config::Config& c) {
  http::Policy policy;
  policy.limits = {.header_bytes = c.header_bytes, .header_count = c.header_count, .body_bytes = c.body_bytes};
  for (const auto& cidr : c.trusted_proxies)
    if (auto network = http::Network::parse(cidr)) policy.trusted_proxies.networks.push_back(*network);
  policy.trusted_proxies.header = c.proxy_header;
  policy.reveal = c.environment == config::Environment::development;
  policy.header_timeout = c.header_timeout;
  policy.body_timeout = c.body_timeout;
  policy.request_timeout = c.request_timeout;
  policy.keep_alive_timeout = c.keep_alive_timeout;
  policy.write_timeout = c.write_timeout;
  policy.drain_timeout = c.drain_timeout;
  policy.close_linger = c.close_linger;
  policy.outbox_bytes = c.outbox_bytes;
  return policy;
}

admission::AddressPolicy address_policy(const config::Config& c, Entropy& entropy) {
  std::uint64_t seed = 0;
  entropy.fill(std::as_writable_bytes(std::span(&seed, 1)));
  return {.handshakes = static_cast<std::uint32_t>(c.address_handshakes),
      .refusals = static_cast<std::uint32_t>(c.address_refusals),
      .connections = static_cast<std::uint32_t>(c.address_connections),
      .arriving = static_cast<std::uint32_t>(c.address_arriving),
      .seed = seed};
}

admission::ConnectionPolicy connection_policy(const config::Config& c) {
  return {.connections = static_cast<std::uint32_t>(c.connection_limit),
      .handshakes = static_cast<std::uint32_t>(c.handshake_limit),
      .refused_sockets = static_cast<std::uint32_t>(c.refused_sockets),
      .pending = static_cast<std::uint32_t>(c.pending_limit),
      .refusal_upgrades = static_cast<std::uint32_t>(c.refusal_upgrades),
      .connects_per_s = static_cast<std::uint32_t>(c.connect_rate),
      .requests = static_cast<std::uint32_t>(c.request_queue)};
}

jose::VerifierPolicy verifier_policy(const config::Config& c) {
  // Our own keys say what they are for, and a rotation may change it; of a foreign set JWT_ALGORITHM says it.
  const auto algorithm = c.jwt_jwks_url.empty() ? std::nullopt : jose::find_algorithm(c.jwt_algorithm);
  return {.issuer = c.jwt_issuer,
      .audience = c.jwt_audience,
      .token_types = c.token_types,
      .environment = std::string(config::to_string(c.environment)),
      .require_environment_claim = c.require_environment_claim,
      .leeway = c.jwt_leeway,
      .max_bytes = c.token_bytes,
      .algorithm = algorithm};
}

} // namespace foyer::cli

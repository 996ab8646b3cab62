// The complete configuration as one typed structure: the policies of the modules, and beside them the
// options of no module or of several. The table of config/table.h has one row for each option (name, the
// field, rule, help); load.h reads the values, and preflight.h checks the rules between them.
//
// A default is set at its field. Those below are for development; where staging and production differ,
// see defaults_for() in table.cc. app/policies.h builds the policies that the modules get.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/policy.h"
#include "admission/policy.h"
#include "asking/policy.h"
#include "auth/policy.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/sql/policy.h"
#include "gateway/policy.h"
#include "http/policy.h"
#include "rooms/model/room_rules.h"

namespace foyer::config {

enum class Environment : std::uint8_t { development, test, staging, production };
using accounts::Registration;
using admission::RefuseWith;

enum class EchoAccess : std::uint8_t { off, token, open };          // /ws/echo: absent, for admitted users, for anyone
enum class ProxyHeaders : std::uint8_t { off, optional, required }; // the PROXY protocol, from trusted proxies
enum class IdentityMode : std::uint8_t {
  own,
  external,
  both
}; // whose users: of this server's accounts, of trusted issuers
enum class Nodes : std::uint8_t { one, many };        // gateways on one database
enum class StoreSync : std::uint8_t { full, normal }; // full: survives power loss; normal: survives kill -9

[[nodiscard]] std::string_view to_string(Environment environment);
[[nodiscard]] std::string_view to_string(Registration registration);
// Staging and production: nothing is generated and everything is required.
[[nodiscard]] constexpr bool is_strict(Environment e) {
  return e == Environment::staging || e == Environment::production;
}

struct HostPort {
  std::string host;       // an IP address without brackets, or localhost
  std::uint16_t port = 0; // 0: the system picks one
  [[nodiscard]] bool empty() const { return host.empty(); }
  friend bool operator==(const HostPort&, const HostPort&) = default;
};

struct Config {
  // process
  Environment environment = Environment::development;
  HostPort listen{"127.0.0.1", 8000};
  std::string data = "./data";
  bool role_auth = true;
  bool role_gateway = true;
  std::uint64_t loops = 0; // event loops of the data plane; 0: one per core
  LogFormat log_format = LogFormat::json;
  Level log_level = Level::info;
  HostPort metrics_listen;   // empty: /metrics is on the main port, with the API key
  Millis start_wait{30'000}; // for an unreachable database, or a full disk
  Millis drain_delay{0};     // before a drain, while health says DRAINING and clients are still admitted
  bool allow_exposed_development = false;

  // addresses
  std::string public_url; // scheme://host[:port][/path], without a trailing slash; see resolve_addresses
  std::string base_path;  // its path: "" or /path. Derived from it
  std::vector<std::string> allowed_origins; // exact serialised origins; see resolve_addresses
  std::vector<std::string> allowed_hosts;   // lower case, without port; see resolve_addresses
  std::vector<std::string> trusted_proxies; // CIDRs
  ProxyHeaders proxy_protocol = ProxyHeaders::off;
  std::string tls_cert_file; // PEM chain; empty: plain HTTP
  std::string tls_key_file;
  std::vector<std::string> tls_more_certificates; // CERT_FILE:KEY_FILE, chosen by SNI
  std::string tls_client_ca_file;                 // empty: no client certificate is requested
  bool tls_client_required = true;                // with tls_client_ca_file
  bool tls_1_2 = true;                            // in addition to TLS 1.3

  // services and keys
  std::string service_id = "foyer";
  std::string service_secret;
  std::string auth_service_url;              // empty if the auth role runs in this process
  std::string auth_service_ca_file;          // in addition to the system's authorities
  std::string api_key;                       // empty: the operator's API answers 404
  std::uint64_t api_requests_per_s = 10'000; // of each key of the server API
  std::uint64_t api_requests_burst = 20'000;
  std::string database_url = "sqlite"; // or a PostgreSQL URL, maybe with a password: print it only with format_value
  Nodes nodes = Nodes::one;            // see with_others()
  std::string bus_url;                 // between nodes, redis or rediss, maybe with a password; empty: PostgreSQL alone
  std::string bus_ca_file;             // PEM, in addition to the system's authorities
  Millis cluster_tick{1'000};          // between two signs of life of a node on the bus; other times follow from it
  std::string store_key;               // with PostgreSQL: encrypts secrets in the database
  std::string jwt_secret_key;          // HS256 if set, or as jwt_algorithm says
  std::string jwt_algorithm;           // RS256, EdDSA, …; empty: that of the key
  std::string jwt_private_key_file;    // PEM or JWK, for the auth role
  std::string jwt_jwks_url;            // for a gateway without the auth role
  std::string jwt_issuer;              // PUBLIC_URL if set, else foyer; see resolve_addresses
  std::string jwt_audience = "foyer";
  std::vector<std::string> token_types{"at+jwt"};
  bool require_environment_claim = false; // true in staging and production
  Millis jwt_leeway{30'000};
  std::vector<auth::TrustedIssuer> issuers;  // of other services' tokens
  IdentityMode identity = IdentityMode::own; // unless it is given: both, if there are issuers
  Millis max_token_life{24LL * 3'600'000};   // of the tokens of issuers
  std::string sign_in_url;                   // with identity = external: where people get a token

  // owned by the modules
  http::Policy http;
  gateway::GatewayPolicy gateway; // the fields that it shares with http are copied from there
  admission::ConnectionPolicy connections;
  admission::AddressPolicy addresses;
  engine::StorePolicy store;
  accounts::AccountsPolicy accounts;
  accounts::AuditPolicy audit;
  auth::ClientPolicy auth;
  auth::RevocationPolicy revocations;
  auth::KeySetPolicy key_set;

  // the door
  EchoAccess echo = EchoAccess::off;
  std::uint64_t accept_backlog = 4'096; // connections that the kernel queues until they are accepted

  // connections
  Millis proxy_idle_timeout{60'000}; // the shortest one between clients and this process; the heartbeat must be quicker

  // rooms
  std::vector<asking::Table> asks;            // [[ask]]; the first that has the event and the room
  std::vector<rooms::RoomRule> room_rules;    // [[rooms]]; the first that matches counts
  std::vector<std::string> non_durable_rooms; // patterns with *, e.g. live-*
  StoreSync store_sync = StoreSync::full;

  // accounts
  Millis refresh_grace{7 * 86'400'000}; // the former name; the shorter of the two counts
  std::uint64_t argon2_memory = std::uint64_t{accounts::HashCost{}.memory_kib} * 1024; // bytes
  std::uint64_t hashing_threads = 0;                                                   // 0: cores − 1, at least 1
  std::uint64_t hashing_queue = 64;                                                    // above: BUSY
  std::uint64_t address_auth_requests =
      static_cast<std::uint64_t>(accounts.rate.burst); // /auth/* and /oauth2/* per endpoint, address and 10 s
};

// Whether other nodes may use the same database.
[[nodiscard]] inline bool with_others(const Config& config) {
  return config.nodes == Nodes::many || !config.bus_url.empty();
}

// Fills the values derived from the bound address: public_url, the
// origins and hosts that belong to it, and the issuer. Values that were set stay.
// Call it again with the bound port when `listen` asked for port 0.
void resolve_addresses(Config& config, std::uint16_t bound_port);

} // namespace foyer::config

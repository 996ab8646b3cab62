// Everything that can be configured, as one plain typed structure. The table of
// config/table.h has one row for each field (name, default, rule, help); the
// values come from load.h, and what must hold between them from preflight.h.
//
// The defaults below are those of development. Where staging and production
// differ the row in the table says so.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"

namespace foyer::config {

enum class Environment : std::uint8_t { development, test, staging, production };
enum class Registration : std::uint8_t { open, invite, closed };
enum class EchoAccess : std::uint8_t { off, token, open };          // /ws/echo: absent, for admitted users, for anybody
enum class ProxyHeaders : std::uint8_t { off, optional, required }; // the PROXY protocol, from trusted proxies
enum class RefuseWith : std::uint8_t { automatic, http, close };    // "auto" in words; see Door::tell_by_close
enum class StoreSync : std::uint8_t { full, normal }; // full: survives power loss; normal: survives kill -9

[[nodiscard]] std::string_view to_string(Environment environment);
[[nodiscard]] std::string_view to_string(Registration registration);
// Staging and production: where nothing is generated and everything is required.
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
  HostPort metrics_listen;     // empty: /metrics is on the main port, with the API key
  Millis drain_timeout{8'000}; // from SIGTERM to the end
  Millis start_wait{30'000};   // for a database that is away, or a disk that is full
  bool allow_exposed_development = false;

  // addresses
  std::string public_url; // scheme://host[:port][/path], without a slash at its end; see resolve_addresses
  std::string base_path;  // its path: "" or /path. Follows from it
  std::vector<std::string> allowed_origins;     // exact serialised origins; see resolve_addresses
  std::vector<std::string> allowed_hosts;       // lower case, without port; see resolve_addresses
  std::vector<std::string> trusted_proxies;     // CIDRs
  std::string proxy_header = "X-Forwarded-For"; // in which they name the client; no other is read
  ProxyHeaders proxy_protocol = ProxyHeaders::off;
  std::string tls_cert_file; // PEM chain; empty: plain HTTP
  std::string tls_key_file;
  std::vector<std::string> tls_more_certificates; // CERT_FILE:KEY_FILE, chosen by SNI
  std::string tls_client_ca_file;                 // empty: no client certificate is asked for
  bool tls_client_required = true;                // with tls_client_ca_file
  bool tls_1_2 = true;                            // beside TLS 1.3

  // services and keys
  std::string service_id = "foyer";
  std::string service_secret;
  std::string auth_service_url;        // empty where the auth role runs in this process
  std::string auth_service_ca_file;    // besides the system's authorities
  std::string api_key;                 // empty: the operator's API answers 404
  std::string database_url = "sqlite"; // or a PostgreSQL URL, which may hold a password: print it by format_value alone
  std::string store_key;               // with PostgreSQL: what secrets in the database are encrypted with
  std::string jwt_secret_key;          // HS256 when set, or what jwt_algorithm says
  std::string jwt_algorithm;           // RS256, EdDSA, …; empty: what the key is for
  std::string jwt_private_key_file;    // PEM or JWK, for the auth role
  std::string jwt_jwks_url;            // for a gateway without the auth role
  std::string jwt_issuer;              // PUBLIC_URL if set, else foyer; see resolve_addresses
  std::string jwt_audience = "foyer";
  std::vector<std::string> token_types{"at+jwt"};
  bool require_environment_claim = false; // true in staging and production
  Millis jwt_leeway{30'000};

  // the door
  bool first_message_auth = true;
  bool token_in_url = false;
  RefuseWith refuse_with = RefuseWith::automatic;
  EchoAccess echo = EchoAccess::off;
  Millis authenticate_timeout{10'000};
  std::uint64_t token_bytes = 8 * 1024;
  std::uint64_t refusal_upgrades = 256;     // sockets at once that were upgraded only to be refused
  std::uint64_t address_handshakes = 1'000; // per address and 10 s
  std::uint64_t address_refusals = 300;     // per address and 10 s
  std::uint64_t address_connections = 10'000;
  std::uint64_t address_arriving = 5'000; // of one address: neither admitted nor answered yet
  std::uint64_t user_connections = 100;
  std::uint64_t connection_limit = 100'000; // in the process
  std::uint64_t pending_limit = 5'000;      // sockets that wait for `authenticate`, in the process
  std::uint64_t connect_rate = 20'000;      // handshakes per second, in the process
  std::uint64_t handshake_limit = 10'000;   // sockets in the process that are not admitted and have no answer yet
  std::uint64_t refused_sockets = 1'000; // beyond connection_limit and handshake_limit: still heard, to be told why not
  std::uint64_t accept_backlog = 4'096;  // connections that the kernel keeps until they are accepted

  // connections
  Millis header_timeout{10'000}; // from accept or the first byte to the end of the head
  Millis body_timeout{20'000};
  Millis request_timeout{30'000}; // the whole of a request that is not an upgrade
  Millis keep_alive_timeout{75'000};
  std::uint64_t header_bytes = 16 * 1024;
  std::uint64_t header_count = 100;
  std::uint64_t body_bytes = 64 * 1024;
  std::uint64_t request_queue = 1'024; // requests of the process that wait for their answer
  Millis write_timeout{30'000};        // how long an HTTP answer may lie untaken
  Millis heartbeat_interval{20'000};
  Millis heartbeat_timeout{8'000};         // after the ping
  Millis close_linger{1'000};              // for the client's Close after ours, then once more for the end of TCP
  Millis proxy_idle_timeout{60'000};       // the shortest one between clients and here; the heartbeat must be quicker
  std::uint64_t message_bytes = 64 * 1024; // a WebSocket message; over: close 1009
  std::uint64_t text_bytes = 16 * 1024;    // the text of a chat message
  std::uint64_t messages_per_s = 100;      // commands of a connection
  std::uint64_t messages_burst = 400;
  std::uint64_t user_messages_per_s = 0;        // commands of a user over all connections; 0: twice messages_per_s
  std::uint64_t user_messages_burst = 0;        // 0: five times messages_burst
  std::uint64_t bytes_per_s = 16 * 1024 * 1024; // received by a connection, in the long run
  std::uint64_t bytes_burst = 64 * 1024 * 1024;
  std::uint64_t bad_messages = 10;           // per connection and 10 s
  std::uint64_t outbox_bytes = 1024 * 1024;  // over: SLOW_CONSUMER
  bool compression = true;                   // permessage-deflate, where a client offers it
  std::uint64_t compression_min_bytes = 512; // shorter messages go out as they are
  bool compression_context_takeover = false; // a window of its own for each connection, both ways

  // rooms
  std::uint64_t rooms_per_connection = 100;
  std::uint64_t rooms_per_user = 1'000;        // private rooms created by one user
  std::uint64_t direct_rooms_per_user = 1'000; // asked for by one user
  std::uint64_t public_rooms_per_user = 1'000; // first joined or spoken in by one user
  std::uint64_t new_rooms_per_h = 300;         // rooms of any kind that one user makes
  std::uint64_t room_messages_per_s = 0;       // of everybody in one room; 0: twice messages_per_s
  std::uint64_t room_messages_burst = 0;       // 0: five times messages_burst
  std::uint64_t invitations_sent = 200;        // of one sender, without an answer
  std::uint64_t invitations_to_one = 5;        // of these to one person
  std::uint64_t invitations_received = 100;    // that wait for one person
  std::uint64_t presence_events_limit = 200;
  Millis presence_grace{5'000};
  std::vector<std::string> non_durable_rooms;     // patterns with *, e.g. live-*
  std::uint64_t memory_messages = 300;            // kept for each room that is not durable
  std::uint64_t memory_bytes = 256 * 1024 * 1024; // of the texts of all of these
  std::uint64_t rooms_loaded = 100'000;           // rooms of the process that are in use, or were a moment ago
  std::uint64_t rooms_loaded_per_user = 1'000;    // of them, brought in by one user
  std::uint64_t history_days = 0;                 // 0: for ever
  std::uint64_t history_messages = 0;             // per room; 0: all
  std::uint64_t store_queue = 10'000;             // changes that wait for the chat writer; over: BUSY
  StoreSync store_sync = StoreSync::full;

  // accounts
  Registration registration = Registration::open; // closed outside development
  std::vector<std::string> reserved_names;        // besides those of accounts/model/names.cc
  Millis access_token_ttl{15 * 60'000};
  Millis refresh_ttl{14LL * 86'400'000};
  Millis refresh_repeat{86'400'000};
  Millis refresh_grace{7 * 86'400'000}; // the earlier name; the shorter of the two counts
  Millis ticket_ttl{30'000};
  Millis session_idle{14LL * 86'400'000};
  Millis session_absolute{90LL * 86'400'000};
  std::uint64_t password_min_length = 8;
  std::uint64_t argon2_memory = 19 * 1024 * 1024; // bytes
  std::uint64_t argon2_passes = 2;
  std::uint64_t hashing_threads = 0; // 0: cores − 1, at least 1
  std::uint64_t hashing_queue = 64;  // over: BUSY
  std::uint64_t audit_days = 365;
  std::uint64_t audit_refusal_days = 30;
  std::uint64_t audit_refusals = 100'000;
  std::uint64_t address_auth_requests = 100; // /auth/* and /oauth2/* per endpoint, address and 10 s

  // asking the auth service
  Millis auth_deadline{2'000};      // the whole question
  Millis auth_attempt_timeout{600}; // one attempt
  Millis auth_connect_timeout{300}; // the connection of an attempt
  std::uint64_t auth_attempts = 3;
  Millis revocation_max_age{5 * 60'000};
  Millis key_set_max_age{60 * 60'000}; // how long the last good key set serves when no new one can be fetched
};

// Fills what follows from the address that was really bound: public_url, the
// origins and hosts that belong to it, and the issuer. Values that were given stay.
// Call it again with the bound port when `listen` asked for port 0.
void resolve_addresses(Config& config, std::uint16_t bound_port);

} // namespace foyer::config

#include "config/table.h"

namespace foyer::config {
namespace {

constexpr std::uint64_t kSecond = 1'000;
constexpr std::uint64_t kMinute = 60 * kSecond;
constexpr std::uint64_t kHour = 60 * kMinute;
constexpr std::uint64_t kDay = 24 * kHour;
constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kMany = 1'000'000'000;

const Option kOptions[] = {
    // ---- process
    {.name = "environment", .section = "Process", .slot = &Config::environment,
     .help = "What this installation is. Nothing implies it: not a host name, not a platform. --dev is short for development.", .plain = true, .required = "always"},
    {.name = "listen", .section = "Process", .slot = &Config::listen, .help = "The address and port that clients and proxies connect to. Port 0 lets the system pick one."},
    {.name = "data", .section = "Process", .slot = &Config::data,
     .help = "The directory of databases, generated secrets and keys. It belongs to one server and one environment.", .path = true},
    {.name = "role", .section = "Process", .slot = Roles{}, .help = "Which parts this process runs: auth (accounts, tokens), gateway (sockets, rooms), or both."},
    {.name = "loops", .section = "Process", .slot = &Config::loops, .help = "Event loops of the data plane. 0: one for each core.", .min = 1, .max = 64, .zero = true},
    {.name = "log_format", .section = "Process", .slot = &Config::log_format, .help = "json is one object a line, text is for people."},
    {.name = "log_level", .section = "Process", .slot = &Config::log_level, .help = "The least important lines that are still written."},
    {.name = "metrics_listen", .section = "Process", .slot = &Config::metrics_listen,
     .help = "An address of its own for /metrics, which then needs no key. Unset: /metrics is on the main port and takes the API key."},
    {.name = "drain_timeout", .section = "Process", .slot = &Config::drain_timeout,
     .help = "How long the process takes to end after SIGTERM. Clients are told at once and closed in paced batches.", .min = 100, .max = 10 * kMinute},
    {.name = "start_wait", .section = "Process", .slot = &Config::start_wait,
     .help = "How long a start waits for a database that cannot be reached or a disk that is full, before it gives up. 0: not at all.", .min = 100, .max = kHour, .zero = true},
    {.name = "allow_exposed_development", .section = "Process", .slot = &Config::allow_exposed_development,
     .help = "Lets ENVIRONMENT=development listen on an address that is not loopback. Only for closed networks."},

    // ---- addresses
    {.name = "public_url", .section = "Addresses", .slot = &Config::public_url,
     .help = "The address that people use, scheme://host[:port][/path]. It is the default issuer of tokens, and its origin the default allowed origin; all processes of an installation "
             "share it. With a path everything is served below it, whether a proxy takes the path away or not. "
             "Unset: it follows from the listen address.",
     .plain = true, .rule = Rule::url, .required = "staging, production (https)"},
    {.name = "allowed_origins", .section = "Addresses", .slot = &Config::allowed_origins,
     .help = "Origins whose pages may connect, exactly as browsers send them, separated by commas. Unset: the origin of PUBLIC_URL, in development also localhost and 127.0.0.1.",
     .plain = true, .rule = Rule::origin},
    {.name = "allowed_hosts", .section = "Addresses", .slot = &Config::allowed_hosts,
     .help = "More names that may stand in the Host header, without port. The host of PUBLIC_URL, localhost and IP addresses always may.", .rule = Rule::host},
    {.name = "trusted_proxies", .section = "Addresses", .slot = &Config::trusted_proxies,
     .help = "Addresses and ranges of the proxies in front, separated by commas. The header of proxy_header and X-Forwarded-Proto are believed from these alone.",
     .plain = true, .rule = Rule::cidr},
    {.name = "proxy_header", .section = "Addresses", .slot = &Config::proxy_header,
     .help = "The header in which trusted proxies name the client: X-Forwarded-For, X-Real-IP or another that holds addresses, or Forwarded (RFC 7239). "
             "No other is read, because a proxy passes the others on as the client wrote them.",
     .rule = Rule::word, .min = 1, .max = 64},
    {.name = "proxy_protocol", .section = "Addresses", .slot = &Config::proxy_protocol,
     .help = "Whether connections of TRUSTED_PROXIES begin with a PROXY protocol header (haproxy send-proxy, stunnel protocol = proxy), whose address is the client's: off, "
             "required, or optional for proxies that send one on some connections only. With optional, whoever reaches this server through a trusted proxy that sends none can "
             "invent an address."},
    {.name = "tls_cert_file", .section = "Addresses", .slot = &Config::tls_cert_file,
     .help = "The certificate chain in PEM, the server's own first. Together with tls_key_file it makes the port speak TLS.", .plain = true, .path = true},
    {.name = "tls_key_file", .section = "Addresses", .slot = &Config::tls_key_file, .help = "The private key of the certificate, PEM without a passphrase.", .plain = true, .path = true},
    {.name = "tls_more_certificates", .section = "Addresses", .slot = &Config::tls_more_certificates,
     .help = "Certificates for other names, each as CERT_FILE:KEY_FILE. The client's SNI chooses; without one, or for another name, tls_cert_file answers."},
    {.name = "tls_client_ca_file", .section = "Addresses", .slot = &Config::tls_client_ca_file,
     .help = "The authorities in PEM whose client certificates are believed. Unset: no certificate is asked for.", .path = true},
    {.name = "tls_client_required", .section = "Addresses", .slot = &Config::tls_client_required,
     .help = "With tls_client_ca_file: whether a client without a certificate is turned away. One with a wrong certificate always is."},
    {.name = "tls_1_2", .section = "Addresses", .slot = &Config::tls_1_2, .help = "Whether TLS 1.2 is spoken beside TLS 1.3."},

    // ---- services and keys
    {.name = "service_id", .section = "Services and keys", .slot = &Config::service_id, .help = "The name by which this gateway is registered with the auth service.",
     .plain = true, .rule = Rule::word, .min = 1, .max = 64, .required = "staging, production"},
    {.name = "service_secret", .section = "Services and keys", .slot = &Config::service_secret,
     .help = "What gateway and auth service recognise each other by; the same on both sides. At least 32 characters.", .plain = true, .secret = true, .min = 32, .max = 1024,
     .required = "always, except in development with both roles in one process, where it is generated"},
    {.name = "auth_service_url", .section = "Services and keys", .slot = &Config::auth_service_url, .help = "Where the auth service is, for a gateway that runs without the auth role.",
     .plain = true, .rule = Rule::url, .required = "where the role is gateway alone (https and not loopback in staging and production)"},
    {.name = "auth_service_ca_file", .section = "Services and keys", .slot = &Config::auth_service_ca_file,
     .help = "Authorities in PEM that are believed besides the system's when the auth service of AUTH_SERVICE_URL or the key set of JWT_JWKS_URL is asked over https.", .path = true},
    {.name = "api_key", .section = "Services and keys", .slot = &Config::api_key,
     .help = "The key of the operator's API. Unset: /api/* answers 404; in development it is generated into DATA/api_key.", .plain = true, .secret = true, .min = 16, .max = 1024},
    {.name = "database_url", .section = "Services and keys", .slot = &Config::database_url, .help = "The database of accounts and messages. sqlite keeps everything in the data directory; postgresql://USER:PASSWORD@HOST:PORT/NAME names a PostgreSQL server, with libpq's parameters after a ?.",
     .plain = true, .rule = Rule::database, .min = 1, .max = 2048},
    {.name = "store_key", .section = "Services and keys", .slot = &Config::store_key,
     .help = "What secrets of services, private keys and second factors are encrypted with in the database; the same for all processes that use it. Beside SQLite it is made, in DATA/store.key.",
     .plain = true, .secret = true, .min = 32, .max = 1024, .required = "where the auth role runs with PostgreSQL"},
    {.name = "jwt_secret_key", .section = "Services and keys", .slot = &Config::jwt_secret_key,
     .help = "A shared secret with which tokens are signed and verified (HS256; HS384 and HS512 by jwt_algorithm, with 48 and 64 bytes). At least 32 bytes.", .plain = true, .secret = true, .min = 32, .max = 1024,
     .required = "always one of jwt_secret_key, jwt_private_key_file and jwt_jwks_url, except in development with both roles in one process, where a key pair is generated"},
    {.name = "jwt_private_key_file", .section = "Services and keys", .slot = &Config::jwt_private_key_file,
     .help = "The private key with which the auth role signs (Ed25519, EC or RSA; PEM or JWK); the gateway verifies by the key set that is published.", .plain = true, .path = true},
    {.name = "jwt_jwks_url", .section = "Services and keys", .slot = &Config::jwt_jwks_url,
     .help = "The key set that a gateway without the auth role verifies with, usually AUTH_SERVICE_URL/.well-known/jwks.json.", .plain = true, .rule = Rule::url},
    {.name = "jwt_algorithm", .section = "Services and keys", .slot = &Config::jwt_algorithm, .help = "The algorithm of tokens, and the only one. Unset: what the key is for; HS256 for a secret, RS256 for an RSA key that does not say.", .plain = true,
     .rule = Rule::algorithm},
    {.name = "jwt_issuer", .section = "Services and keys", .slot = &Config::jwt_issuer, .help = "The exact `iss` of tokens. Unset: PUBLIC_URL if that is set, else foyer.", .plain = true,
     .min = 1, .max = 512},
    {.name = "jwt_audience", .section = "Services and keys", .slot = &Config::jwt_audience, .help = "The exact `aud` of tokens.", .plain = true, .min = 1, .max = 512},
    {.name = "jwt_leeway", .section = "Services and keys", .slot = &Config::jwt_leeway, .help = "How far clocks may differ when times in tokens are compared.", .min = 0, .max = 5 * kMinute,
     .zero = true},
    {.name = "token_types", .section = "Services and keys", .slot = &Config::token_types, .help = "The `typ` values that count as access tokens; foreign issuers may write JWT."},
    {.name = "require_environment_claim", .section = "Services and keys", .slot = &Config::require_environment_claim,
     .help = "Whether a token without `env` is refused. One with another `env` always is."},

    // ---- the door
    {.name = "first_message_auth", .section = "The door", .slot = &Config::first_message_auth,
     .help = "Whether a socket may be opened without a credential and authenticate with its first message."},
    {.name = "authenticate_timeout", .section = "The door", .slot = &Config::authenticate_timeout, .help = "How long such a socket may wait.", .min = 100, .max = 5 * kMinute},
    {.name = "token_in_url", .section = "The door", .slot = &Config::token_in_url, .help = "Whether ?token= and ?access_token= are accepted. Addresses end up in logs: leave it off."},
    {.name = "token_bytes", .section = "The door", .slot = &Config::token_bytes, .help = "The longest token that is looked at.", .rule = Rule::bytes, .min = 512, .max = 64 * kKiB},
    {.name = "refuse_with", .section = "The door", .slot = &Config::refuse_with,
     .help = "How a handshake is refused: auto tells by a close code those who hide an HTTP answer from their code (browsers, Node, Deno), and others by HTTP."},
    {.name = "refusal_upgrades", .section = "The door", .slot = &Config::refusal_upgrades,
     .help = "Sockets at once that are upgraded only to tell a browser why it is refused; beyond it, HTTP.", .min = 0, .max = kMany, .zero = true},
    {.name = "echo", .section = "The door", .slot = &Config::echo, .help = "/ws/echo: off, for admitted users (token), or for anybody (open; not in production)."},
    {.name = "address_handshakes", .section = "The door", .slot = &Config::address_handshakes, .help = "Handshakes of one address in 10 s.", .min = 1, .max = kMany},
    {.name = "address_refusals", .section = "The door", .slot = &Config::address_refusals, .help = "Refusals of one address in 10 s.", .min = 1, .max = kMany},
    {.name = "address_connections", .section = "The door", .slot = &Config::address_connections, .help = "Connections of one address at once.", .min = 1, .max = kMany},
    {.name = "address_arriving", .section = "The door", .slot = &Config::address_arriving,
     .help = "Sockets of one address that are neither admitted nor answered yet. A trusted proxy is not counted.", .min = 1, .max = kMany},
    {.name = "user_connections", .section = "The door", .slot = &Config::user_connections, .help = "Connections of one user at once.", .min = 1, .max = kMany},
    {.name = "connection_limit", .section = "The door", .slot = &Config::connection_limit, .help = "Connections of the process at once.", .min = 1, .max = kMany},
    {.name = "pending_limit", .section = "The door", .slot = &Config::pending_limit, .help = "Sockets of the process that wait for their first message.", .min = 1, .max = kMany},
    {.name = "connect_rate", .section = "The door", .slot = &Config::connect_rate, .help = "Handshakes of the process in a second.", .min = 1, .max = kMany},
    {.name = "handshake_limit", .section = "The door", .slot = &Config::handshake_limit,
     .help = "Sockets of the process that are neither admitted nor answered yet: in their TLS handshake, their first request, or the door's questions.", .min = 1, .max = kMany},
    {.name = "refused_sockets", .section = "The door", .slot = &Config::refused_sockets,
     .help = "Sockets of the process beyond connection_limit or handshake_limit that are still heard for 2 s, so that the refusal reaches them in a form that they understand. "
             "Any more get 503 without being heard.",
     .min = 1, .max = kMany},
    {.name = "accept_backlog", .section = "The door", .slot = &Config::accept_backlog,
     .help = "Connections that the system keeps until they are accepted. The system's own limit (net.core.somaxconn) counts, too.", .min = 1, .max = 1'000'000},

    // ---- connections
    {.name = "header_timeout", .section = "Connections", .slot = &Config::header_timeout, .help = "From the first byte of a request to the end of its head; and, of a new connection, to its first byte.", .min = 100, .max = 5 * kMinute},
    {.name = "body_timeout", .section = "Connections", .slot = &Config::body_timeout, .help = "From the end of the head to the end of the body.", .min = 100, .max = 10 * kMinute},
    {.name = "request_timeout", .section = "Connections", .slot = &Config::request_timeout, .help = "The whole of a request that is not an upgrade, from its first byte to its answer.", .min = 100, .max = 10 * kMinute},
    {.name = "keep_alive_timeout", .section = "Connections", .slot = &Config::keep_alive_timeout, .help = "How long an HTTP connection may be idle between requests.", .min = 100, .max = kHour},
    {.name = "header_bytes", .section = "Connections", .slot = &Config::header_bytes, .help = "Request line and headers together, with their line ends. A token that comes in one of them must fit in.", .rule = Rule::bytes, .min = kKiB, .max = kMiB},
    {.name = "header_count", .section = "Connections", .slot = &Config::header_count, .help = "Header lines of a request.", .min = 1, .max = 10'000},
    {.name = "body_bytes", .section = "Connections", .slot = &Config::body_bytes, .help = "The body of a request.", .rule = Rule::bytes, .min = kKiB, .max = 16 * kMiB},
    {.name = "write_timeout", .section = "Connections", .slot = &Config::write_timeout, .help = "How long an answer may lie while the client takes less than 8 KiB of it.", .min = 100, .max = 10 * kMinute},
    {.name = "request_queue", .section = "Connections", .slot = &Config::request_queue, .help = "Requests of the process that may wait for their answer; beyond it BUSY.", .min = 1, .max = kMany},
    {.name = "heartbeat_interval", .section = "Connections", .slot = &Config::heartbeat_interval, .help = "How often a quiet socket is pinged.", .min = kSecond, .max = kHour},
    {.name = "heartbeat_timeout", .section = "Connections", .slot = &Config::heartbeat_timeout, .help = "How long the answer to a ping may take.", .min = 100, .max = 10 * kMinute},
    {.name = "close_linger", .section = "Connections", .slot = &Config::close_linger,
     .help = "How long a socket that was told to close may take to answer with its own Close, and then to end its side of TCP.", .min = 100, .max = kMinute},
    {.name = "proxy_idle_timeout", .section = "Connections", .slot = &Config::proxy_idle_timeout,
     .help = "The shortest idle time-out of anything between clients and this process (60 s for nginx and most balancers). Only to check the heartbeat against.", .min = kSecond, .max = kDay},
    {.name = "message_bytes", .section = "Connections", .slot = &Config::message_bytes, .help = "The longest WebSocket message, unpacked.", .rule = Rule::bytes, .min = kKiB, .max = 16 * kMiB},
    {.name = "text_bytes", .section = "Connections", .slot = &Config::text_bytes, .help = "The longest text of a chat message.", .rule = Rule::bytes, .min = 1, .max = 16 * kMiB},
    {.name = "messages_per_s", .section = "Connections", .slot = &Config::messages_per_s, .help = "Commands that one connection may send in a second, in the long run.", .min = 1, .max = kMany},
    {.name = "messages_burst", .section = "Connections", .slot = &Config::messages_burst, .help = "Commands that one connection may send at once.", .min = 1, .max = kMany},
    {.name = "user_messages_per_s", .section = "Connections", .slot = &Config::user_messages_per_s,
     .help = "Commands that one user may send in a second over all connections, in the long run. 0: twice messages_per_s.", .min = 1, .max = kMany, .zero = true},
    {.name = "user_messages_burst", .section = "Connections", .slot = &Config::user_messages_burst,
     .help = "Commands that one user may send at once over all connections. 0: five times messages_burst.", .min = 1, .max = kMany, .zero = true},
    {.name = "bytes_per_s", .section = "Connections", .slot = &Config::bytes_per_s, .help = "Bytes that one socket may send in a second, in the long run.", .rule = Rule::bytes, .min = kKiB,
     .max = 1024 * kMiB},
    {.name = "bytes_burst", .section = "Connections", .slot = &Config::bytes_burst, .help = "Bytes that one socket may send at once.", .rule = Rule::bytes, .min = kKiB, .max = 1024 * kMiB},
    {.name = "bad_messages", .section = "Connections", .slot = &Config::bad_messages, .help = "Messages in 10 s that may be wrong before the connection is closed.", .min = 1, .max = kMany},
    {.name = "outbox_bytes", .section = "Connections", .slot = &Config::outbox_bytes, .help = "What may wait for a client that reads slowly.", .rule = Rule::bytes, .min = 16 * kKiB,
     .max = 1024 * kMiB},
    {.name = "compression", .section = "Connections", .slot = &Config::compression, .help = "Whether permessage-deflate (RFC 7692) is agreed on with clients that offer it."},
    {.name = "compression_min_bytes", .section = "Connections", .slot = &Config::compression_min_bytes, .help = "Messages that are shorter go out as they are.", .rule = Rule::bytes, .min = 0,
     .max = 16 * kMiB, .zero = true},
    {.name = "compression_context_takeover", .section = "Connections", .slot = &Config::compression_context_takeover,
     .help = "Whether each socket keeps a window of its own, both ways. Better compression of like messages, for up to 60 KiB of memory each and a compression for each receiver."},

    // ---- rooms
    {.name = "rooms_per_connection", .section = "Rooms", .slot = &Config::rooms_per_connection, .help = "Rooms that one connection may join.", .min = 1, .max = 100'000},
    {.name = "rooms_per_user", .section = "Rooms", .slot = &Config::rooms_per_user, .help = "Private rooms that one user may create.", .min = 1, .max = kMany},
    {.name = "direct_rooms_per_user", .section = "Rooms", .slot = &Config::direct_rooms_per_user,
     .help = "Direct rooms that one user may open with others.", .min = 1, .max = kMany},
    {.name = "public_rooms_per_user", .section = "Rooms", .slot = &Config::public_rooms_per_user,
     .help = "Public rooms that one user may create by joining them or writing in them first.",
     .min = 1, .max = kMany},
    {.name = "new_rooms_per_h", .section = "Rooms", .slot = &Config::new_rooms_per_h,
     .help = "Rooms of any kind that one user may create in an hour, and as many at once.", .min = 1, .max = 1'000'000},
    {.name = "room_messages_per_s", .section = "Rooms", .slot = &Config::room_messages_per_s,
     .help = "Messages of all users together in one room in a second, in the long run. "
             "Beyond it only those are served who say little: ten messages, and two a second. 0: twice messages_per_s.",
     .min = 1, .max = kMany, .zero = true},
    {.name = "room_messages_burst", .section = "Rooms", .slot = &Config::room_messages_burst,
     .help = "Messages of all users together in one room at once. 0: five times messages_burst.", .min = 1,
     .max = kMany, .zero = true},
    {.name = "invitations_sent", .section = "Rooms", .slot = &Config::invitations_sent,
     .help = "Invitations and requests for direct rooms of one user that wait for an answer; beyond it INVITATION_LIMIT.", .min = 1, .max = 100'000},
    {.name = "invitations_to_one", .section = "Rooms", .slot = &Config::invitations_to_one, .help = "The same, of one user to one other user.", .min = 1, .max = 100'000},
    {.name = "invitations_received", .section = "Rooms", .slot = &Config::invitations_received, .help = "The same, to one user from everybody.", .min = 1, .max = 100'000},
    {.name = "presence_events_limit", .section = "Rooms", .slot = &Config::presence_events_limit,
     .help = "Members above which comings and goings are told as a count, at most once a second.", .min = 0, .max = kMany, .zero = true},
    {.name = "presence_grace", .section = "Rooms", .slot = &Config::presence_grace, .help = "How long a user may be away before the others are told.", .min = 0, .max = kHour, .zero = true},
    {.name = "non_durable_rooms", .section = "Rooms", .slot = &Config::non_durable_rooms,
     .help = "Patterns of rooms whose messages are kept in memory only, such as live-*, separated by commas.", .rule = Rule::pattern},
    {.name = "memory_messages", .section = "Rooms", .slot = &Config::memory_messages, .help = "Messages that a room of that kind keeps.", .min = 0, .max = 100'000, .zero = true},
    {.name = "memory_bytes", .section = "Rooms", .slot = &Config::memory_bytes, .help = "What the texts of all rooms of that kind may take together; beyond it BUSY.", .rule = Rule::bytes,
     .min = kMiB, .max = 1024 * 1024 * kMiB},
    {.name = "rooms_loaded", .section = "Rooms", .slot = &Config::rooms_loaded, .help = "Rooms of the process that somebody uses, or used within the last half minute; beyond it BUSY.", .min = 100,
     .max = kMany},
    {.name = "rooms_loaded_per_user", .section = "Rooms", .slot = &Config::rooms_loaded_per_user,
     .help = "Rooms among those of rooms_loaded that one user's commands brought into memory; beyond it RATE_LIMITED.", .min = 10, .max = kMany},
    {.name = "history_days", .section = "Rooms", .slot = &Config::history_days, .help = "Days after which messages are deleted. 0: never.", .min = 1, .max = 36'500, .zero = true},
    {.name = "history_messages", .section = "Rooms", .slot = &Config::history_messages, .help = "Messages that a room keeps. 0: all.", .min = 1, .max = kMany, .zero = true},
    {.name = "store_queue", .section = "Rooms", .slot = &Config::store_queue, .help = "Changes that may wait for the disk; beyond it BUSY.", .min = 1, .max = 10'000'000},
    {.name = "store_sync", .section = "Rooms", .slot = &Config::store_sync,
     .help = "What an acknowledged message survives: full a loss of power, normal the end of the process at any moment."},

    // ---- accounts
    {.name = "registration", .section = "Accounts", .slot = &Config::registration, .help = "Who may register: everybody (open), those with an invitation (invite), nobody (closed)."},
    {.name = "reserved_names", .section = "Accounts", .slot = &Config::reserved_names,
     .help = "Names that nobody can register, separated by commas, besides admin, system, support and the like. `foyer user add` can still give them."},
    {.name = "access_token_ttl", .section = "Accounts", .slot = &Config::access_token_ttl, .help = "The life of an access token.", .min = kSecond, .max = kDay},
    {.name = "refresh_ttl", .section = "Accounts", .slot = &Config::refresh_ttl, .help = "How long a refresh token may lie unused.", .min = kSecond, .max = 366 * kDay},
    {.name = "refresh_repeat", .section = "Accounts", .slot = &Config::refresh_repeat,
     .help = "How long after its exchange a refresh token still gives the same successor, while that is unused: for a client that lost the answer. "
             "Once the successor was used, the token ends the session.",
     .min = 0, .max = 7 * kDay, .zero = true},
    {.name = "refresh_grace", .section = "Accounts", .slot = &Config::refresh_grace,
     .help = "The earlier name of refresh_repeat. The shorter of the two counts.", .min = 0, .max = 7 * kDay, .zero = true},
    {.name = "ticket_ttl", .section = "Accounts", .slot = &Config::ticket_ttl, .help = "The life of a ticket, unless its request says less.", .min = kSecond, .max = kMinute},
    {.name = "session_idle", .section = "Accounts", .slot = &Config::session_idle, .help = "How long a session may lie unused.", .min = kSecond, .max = 366 * kDay},
    {.name = "session_absolute", .section = "Accounts", .slot = &Config::session_absolute, .help = "How long a session may last at all.", .min = kSecond, .max = 3660 * kDay},
    {.name = "password_min_length", .section = "Accounts", .slot = &Config::password_min_length, .help = "The shortest password, in characters.", .min = 8, .max = 128},
    {.name = "argon2_memory", .section = "Accounts", .slot = &Config::argon2_memory, .help = "Memory of one password hash.", .rule = Rule::bytes, .min = 19 * kMiB, .max = 1024 * kMiB},
    {.name = "argon2_passes", .section = "Accounts", .slot = &Config::argon2_passes, .help = "Passes of one password hash.", .min = 2, .max = 16},
    {.name = "hashing_threads", .section = "Accounts", .slot = &Config::hashing_threads, .help = "Threads that hash passwords. 0: one less than cores.", .min = 1, .max = 64, .zero = true},
    {.name = "hashing_queue", .section = "Accounts", .slot = &Config::hashing_queue, .help = "Logins that may wait to be hashed; beyond it BUSY.", .min = 1, .max = 100'000},
    {.name = "audit_days", .section = "Accounts", .slot = &Config::audit_days, .help = "Days after which rows of the audit are deleted.", .min = 1, .max = 36'500},
    {.name = "audit_refusal_days", .section = "Accounts", .slot = &Config::audit_refusal_days, .help = "The same for rows of refusals, which strangers can cause.", .min = 1, .max = 36'500},
    {.name = "audit_refusals", .section = "Accounts", .slot = &Config::audit_refusals, .help = "Rows of refusals in the audit; beyond it the oldest are deleted. Equal ones within an hour are one row.",
     .min = 100, .max = 100'000'000},
    {.name = "address_auth_requests", .section = "Accounts", .slot = &Config::address_auth_requests, .help = "Requests of one address to one endpoint of /auth and /oauth2 in 10 s.", .min = 1,
     .max = kMany},

    // ---- asking the auth service
    {.name = "auth_deadline", .section = "Asking the auth service", .slot = &Config::auth_deadline, .help = "One whole question, with all attempts.", .min = 100, .max = kMinute},
    {.name = "auth_attempt_timeout", .section = "Asking the auth service", .slot = &Config::auth_attempt_timeout, .help = "One attempt.", .min = 50, .max = kMinute},
    {.name = "auth_connect_timeout", .section = "Asking the auth service", .slot = &Config::auth_connect_timeout, .help = "The connection of one attempt.", .min = 10, .max = kMinute},
    {.name = "auth_attempts", .section = "Asking the auth service", .slot = &Config::auth_attempts, .help = "Attempts of one question at most.", .min = 1, .max = 10},
    {.name = "revocation_max_age", .section = "Asking the auth service", .slot = &Config::revocation_max_age,
     .help = "How old the list of revocations may be before nobody new is let in.", .min = kSecond, .max = kDay},
    {.name = "key_set_max_age", .section = "Asking the auth service", .slot = &Config::key_set_max_age,
     .help = "How long the last good key set serves when a new one cannot be fetched.", .min = kMinute, .max = 30 * kDay},
};

} // namespace

std::span<const Option> all_options() { return kOptions; }

const Option* find_option(std::string_view snake_name) {
  for (const auto& option : kOptions)
    if (option.name == snake_name) return &option;
  return nullptr;
}

Config defaults_for(Environment environment) {
  Config out;
  out.environment = environment;
  if (environment != Environment::development) out.registration = Registration::closed;
  if (is_strict(environment)) {
    out.require_environment_claim = true;
    out.service_id.clear();
  }
  return out;
}

} // namespace foyer::config

#include "config/preflight.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "config/hints.h"
#include "config/preflight_ask.h"
#include "config/preflight_issuers.h"
#include "config/preflight_rooms.h"
#include "config/secrets.h"
#include "config/tls_files.h"
#include "config/values.h"
#include "jose/jwk.h"
#include "wire/url.h"

namespace foyer::config {
namespace {

constexpr DeadlinePair kDeadlines[] = {
    {"auth_connect_timeout", "auth_attempt_timeout"},
    {"auth_attempt_timeout", "auth_deadline"},
    {"auth_deadline", "request_timeout"},
    {"header_timeout", "request_timeout"},
    {"body_timeout", "request_timeout"},
    {"access_token_ttl", "refresh_ttl"},
    {"refresh_ttl", "session_absolute"},
    {"session_idle", "session_absolute"},
};

Millis duration_of(const Config& config, std::string_view option) {
  const auto* field = std::get_if<Field<Millis>>(&find_option(option)->slot);
  return field == nullptr ? Millis{0} : value_of(*field, config);
}

class Preflight {
 public:
  Preflight(const Loaded& loaded, const Context& surroundings)
      : loaded_(loaded),
        config_(loaded.config),
        around_(surroundings),
        found_(loaded.findings) {}

  std::vector<Finding> run() {
    secrets();
    token_keys();
    auth_service();
    identity();
    database();
    nodes();
    tls();
    deadlines();
    proxies();
    exposure();
    std::ranges::move(issuer_findings(loaded_, around_), std::back_inserter(found_));
    std::ranges::move(room_findings(loaded_), std::back_inserter(found_));
    std::ranges::move(ask_findings(loaded_, around_), std::back_inserter(found_));
    return std::move(found_);
  }

 private:
  Finding& report(Cause code, std::string_view option, std::string message, std::string fix = {}) {
    found_.push_back(finding_about(loaded_, code, option, std::move(message), std::move(fix)));
    return found_.back();
  }
  void report(Fault fault) {
    report(fault.code, fault.option, std::move(fault.message), std::move(fault.fix)).severity = fault.severity;
  }
  // Checks the options that every environment but development requires. A missing ENVIRONMENT, or one under
  // a mistyped name, must be fixed first; a misspelt value is treated as the probable
  // one. An option that may be in an unreadable configuration file is not reported as missing.
  bool demands() const {
    if (loaded_.config_file_lost) return false;
    if (loaded_.environment_given) return true;
    const bool development =
        loaded_.environment_meant == Environment::development && config_.role_auth && config_.role_gateway;
    return loaded_.given("environment") && !development;
  }
  bool strict() const { return loaded_.environment_given && is_strict(config_.environment); }
  // No auth service, so neither its secrets nor keys for its tokens.
  bool external() const { return config_.identity == IdentityMode::external; }
  std::string_view where() const {
    return loaded_.environment_given ? to_string(config_.environment) : "this environment";
  }
  std::string name(std::string_view option) const { return env_name(*find_option(option)); }
  bool absent(const std::string& value, std::string_view option) const {
    return value.empty() && !loaded_.is_broken(option) && !loaded_.config_file_lost;
  }

  void secrets() {
    if (absent(config_.service_secret, "service_secret") && demands() && !external() && !generates_secrets(loaded_))
      report(Cause::MISSING_SERVICE_SECRET, "service_secret",
          fmt::format("SERVICE_SECRET is not set; {} requires it{}.", where(), alone()));
    if (config_.role_auth && is_postgres(config_.database_url) && absent(config_.store_key, "store_key"))
      report(Cause::MISSING_STORE_KEY, "store_key", "STORE_KEY is not set, but DATABASE_URL names PostgreSQL.");
    struct Secret {
      std::string_view option;
      const std::string& value;
    };
    const Secret all[] = {{"service_secret", config_.service_secret}, {"jwt_secret_key", config_.jwt_secret_key},
        {"api_key", config_.api_key}, {"store_key", config_.store_key}};
    for (const auto& secret : all) {
      if (secret.value.empty()) continue;
      const auto weak = weakness(secret.value, find_option(secret.option)->min);
      if (weak)
        report(Cause::WEAK_SECRET, secret.option, fmt::format("{} {}.", name(secret.option), *weak),
            fmt::format("Set {} to the output of `openssl rand -base64 48`.", name(secret.option)));
    }
    for (std::size_t i = 0; i < std::size(all); ++i)
      for (std::size_t j = i + 1; j < std::size(all); ++j)
        if (!all[i].value.empty() && all[i].value == all[j].value)
          report(Cause::SECRET_REUSED, all[j].option,
              fmt::format("{} and {} have the same value.", name(all[i].option), name(all[j].option)),
              fmt::format("Set {} to a separate value: `openssl rand -base64 48`.", name(all[j].option)));
  }

  // The reason why development also requires it.
  std::string alone() const {
    const bool development = loaded_.environment_given && config_.environment == Environment::development;
    return development ? ", because the gateway and the auth service are separate processes" : "";
  }

  void token_keys() {
    const bool secret = !config_.jwt_secret_key.empty() || loaded_.is_broken("jwt_secret_key");
    const bool pair = !config_.jwt_private_key_file.empty() || loaded_.is_broken("jwt_private_key_file");
    const bool set = !config_.jwt_jwks_url.empty() || loaded_.is_broken("jwt_jwks_url");
    const bool generated = generates_secrets(loaded_) && !secret && !pair;

    const bool has_key = secret || generated || (config_.role_auth ? pair : set);
    if (!has_key && demands() && !external()) {
      std::string message = fmt::format("No key for tokens: neither JWT_SECRET_KEY nor {} is set.",
          config_.role_auth ? "JWT_PRIVATE_KEY_FILE" : "JWT_JWKS_URL");
      if (config_.role_auth && set) message += " JWT_JWKS_URL verifies; the auth role must sign.";
      if (!config_.role_auth && pair) message += " JWT_PRIVATE_KEY_FILE signs; a separate gateway only verifies.";
      report(Cause::MISSING_JWT_SECRET, "jwt_secret_key", std::move(message));
    }
    if (secret && pair)
      report(Cause::CONFLICTING_KEYS, "jwt_private_key_file", "JWT_SECRET_KEY and JWT_PRIVATE_KEY_FILE are both set.",
          "Remove JWT_SECRET_KEY or JWT_PRIVATE_KEY_FILE.");
    if (secret && set)
      report(Cause::CONFLICTING_KEYS, "jwt_jwks_url", "JWT_SECRET_KEY and JWT_JWKS_URL are both set.",
          "Remove JWT_SECRET_KEY or JWT_JWKS_URL.");
    if (set && config_.role_auth && !secret && (pair || generated))
      report(Cause::CONFLICTING_KEYS, "jwt_jwks_url",
          "JWT_JWKS_URL is set, but the auth role runs in the same process; its own key set would be ignored.",
          "Remove JWT_JWKS_URL.");
    if (const auto algorithm = jose::find_algorithm(config_.jwt_algorithm)) {
      const bool of_secret = jose::family_of(*algorithm) == jose::Family::hmac;
      if (secret && !pair && !set && !of_secret)
        report(Cause::CONFLICTING_KEYS, "jwt_algorithm",
            fmt::format(
                "JWT_ALGORITHM is {}, but JWT_SECRET_KEY is for HS256, HS384 or HS512.", jose::to_string(*algorithm)),
            "Remove JWT_ALGORITHM, or use JWT_PRIVATE_KEY_FILE instead of JWT_SECRET_KEY.");
      if (!secret && (pair || set || generated) && of_secret)
        report(Cause::CONFLICTING_KEYS, "jwt_algorithm",
            fmt::format("JWT_ALGORITHM is {}, which needs JWT_SECRET_KEY, but the key in use is a key pair.",
                jose::to_string(*algorithm)),
            "Remove JWT_ALGORITHM, or set JWT_SECRET_KEY alone.");
      const std::size_t least = jose::min_secret_bytes(*algorithm);
      const std::size_t length = config_.jwt_secret_key.size();
      if (of_secret && length >= find_option("jwt_secret_key")->min && length < least)
        report(Cause::WEAK_SECRET, "jwt_secret_key",
            fmt::format(
                "JWT_SECRET_KEY is shorter than the {} bytes that {} needs.", least, jose::to_string(*algorithm)),
            "Set JWT_SECRET_KEY to the output of `openssl rand -base64 96 | tr -d '\\n'`, or remove JWT_ALGORITHM.");
    }
    if (!config_.jwt_private_key_file.empty()) private_key();
    if (!config_.jwt_jwks_url.empty()) link("jwt_jwks_url", config_.jwt_jwks_url);
  }

  void private_key() {
    const auto file = around_.read(config_.jwt_private_key_file);
    if (!file) {
      report(Cause::KEY_UNREADABLE, "jwt_private_key_file",
          fmt::format("The file of JWT_PRIVATE_KEY_FILE {}.", file.error()));
      return;
    }
    if (auto fault = exposed("jwt_private_key_file", *file, config_.jwt_private_key_file)) report(std::move(*fault));
    const auto key = jose::Key::parse_any(file->bytes);
    constexpr std::string_view kMakeOne = "Generate one with `openssl genpkey -algorithm ed25519 -out jwt.pem`.";
    if (!key) {
      report(key.error().cause, "jwt_private_key_file",
          fmt::format(
              "The file of JWT_PRIVATE_KEY_FILE does not contain a usable private key: {}.", key.error().evidence),
          std::string{kMakeOne});
      return;
    }
    if (key->symmetric() || !key->can_sign()) {
      report(Cause::KEY_UNREADABLE, "jwt_private_key_file",
          fmt::format("The file of JWT_PRIVATE_KEY_FILE contains {} instead of a private key.",
              key->symmetric()         ? "a shared secret"
                  : key->has_private() ? "a key whose key_ops do not include sign"
                                       : "a public key"),
          std::string{kMakeOne});
      return;
    }
    const auto algorithm = jose::find_algorithm(config_.jwt_algorithm);
    if (algorithm && jose::family_of(*algorithm) != jose::Family::hmac && !key->takes(*algorithm))
      report(Cause::CONFLICTING_KEYS, "jwt_algorithm",
          fmt::format("JWT_ALGORITHM is {}, but the key of JWT_PRIVATE_KEY_FILE is for {}.",
              jose::to_string(*algorithm), jose::to_string(key->algorithm())),
          "Remove JWT_ALGORITHM, or generate a key that matches it.");
  }

  // Syntax in every environment, https in staging and production. The address must be that of a web server.
  std::optional<wire::Url> url(std::string_view option, const std::string& value) {
    const auto parsed = wire::parse_url(value);
    std::string what;
    if (!parsed)
      what = parsed.error().evidence.substr(0, parsed.error().evidence.find(": ")); // the rest is part of the value
    else if (parsed->scheme != "http" && parsed->scheme != "https")
      what = "the scheme is not https or http";
    if (!what.empty()) {
      const std::string meant = meant_url(value);
      report(Cause::INVALID_URL, option, fmt::format("{} is not a valid URL: {}.", name(option), what),
          meant.empty() ? "" : fmt::format("Write {}={}", name(option), meant));
      return std::nullopt;
    }
    if (strict() && parsed->scheme != "https")
      report(Cause::INSECURE_URL, option, fmt::format("{} must be https in {}.", name(option), where()));
    return *parsed;
  }

  // Between processes of this installation: outside staging and production plain http may be acceptable.
  std::optional<wire::Url> link(std::string_view option, const std::string& value) {
    auto parsed = url(option, value);
    if (!parsed || strict() || parsed->scheme == "https" || wire::is_loopback_host(parsed->host)) return parsed;
    report(Cause::INSECURE_URL, option,
        fmt::format("{} is plain http to another machine: anyone on the network in between can read tokens and "
                    "passwords, and block revocations.",
            name(option)))
        .severity = Severity::warning;
    return parsed;
  }

  void database() {
    if (is_remote_without_sslmode(config_.database_url))
      report(Cause::DATABASE_UNENCRYPTED, "database_url",
          "DATABASE_URL names a PostgreSQL server on another machine without sslmode.")
          .severity = Severity::warning;
  }

  void nodes() {
    if (!with_others(config_) || loaded_.is_broken("database_url")) return;
    const bool bus = !config_.bus_url.empty();
    const std::string_view option = bus ? "bus_url" : "nodes";
    if (!is_postgres(config_.database_url) && !loaded_.config_file_lost)
      report(Cause::NODES_NEED_POSTGRES, option,
          fmt::format("{}, but DATABASE_URL names no PostgreSQL database.", bus ? "BUS_URL is set" : "nodes is many"));
    if (bus && config_.nodes == Nodes::one && loaded_.given("nodes"))
      report(Cause::INVALID_VALUE, "nodes", "nodes is one, but BUS_URL names a bus between several nodes.",
          "Set nodes to many, or remove BUS_URL.");
    // What is only in the memory of one node would be another room on each.
    const auto not_durable = [](const rooms::RoomRule& rule) { return rule.durable == false; };
    const bool by_rule = std::ranges::any_of(config_.room_rules, not_durable);
    if (!bus && (by_rule || !config_.non_durable_rooms.empty()))
      report(Cause::INVALID_VALUE, by_rule ? "rooms" : "non_durable_rooms",
          "with several nodes and no bus every room must be durable: a room that is kept in memory is kept by one "
          "node.",
          "Set BUS_URL, remove `durable = false` and non_durable_rooms, or run one node.");
    if (config_.bus_ca_file.empty()) return;
    if (const auto file = around_.read(config_.bus_ca_file); !file || !holds_certificate(file->bytes))
      report(Cause::FILE_UNREADABLE, "bus_ca_file",
          fmt::format(
              "The file of {} {}.", name("bus_ca_file"), file ? "does not contain a PEM certificate" : file.error()));
  }

  void auth_service() {
    const bool remote = config_.role_gateway && !config_.role_auth && !external();
    if (config_.auth_service_url.empty()) {
      if (remote && absent(config_.auth_service_url, "auth_service_url"))
        report(Cause::MISSING_AUTH_SERVICE_URL, "auth_service_url",
            "AUTH_SERVICE_URL is not set, and this process runs the gateway without the auth role.");
      return;
    }
    if (!config_.auth_service_ca_file.empty())
      if (const auto file = around_.read(config_.auth_service_ca_file); !file || !holds_certificate(file->bytes))
        report(Cause::FILE_UNREADABLE, "auth_service_ca_file",
            fmt::format("The file of {} {}.", name("auth_service_ca_file"),
                file ? "does not contain a PEM certificate" : file.error()));
    const auto parsed = link("auth_service_url", config_.auth_service_url);
    if (parsed && remote && strict() && wire::is_loopback_host(parsed->host))
      report(Cause::LOOPBACK_IN_PRODUCTION, "auth_service_url",
          fmt::format("AUTH_SERVICE_URL points to this machine in {}.", where()));
    if (parsed && remote) points_at_itself(*parsed);
  }

  // The two addresses of this process that AUTH_SERVICE_URL may name; and the public
  // one, behind which a proxy may or may not distinguish the two processes.
  void points_at_itself(const wire::Url& url) {
    if (const auto people = wire::parse_url(config_.public_url); people && people->origin() == url.origin())
      report(Cause::GATEWAY_POINTS_AT_ITSELF, "auth_service_url",
          "AUTH_SERVICE_URL is the address of PUBLIC_URL, which usually leads to the gateway.",
          "Set AUTH_SERVICE_URL to the address of the auth service itself, unless the proxy in front sends /internal/* "
          "there.")
          .severity = Severity::warning;
    for (const auto& [option, address] : {std::pair<std::string_view, const HostPort&>{"listen", config_.listen},
             {"metrics_listen", config_.metrics_listen}}) {
      if (address.empty() || address.port == 0 || address.port != url.port || loaded_.is_broken(option)) continue;
      const bool everywhere = address.host == "0.0.0.0" || address.host == "::";
      const bool loopback = wire::is_loopback_host(url.host);
      if (url.host == address.host || (loopback && (everywhere || wire::is_loopback_host(address.host))))
        report(Cause::GATEWAY_POINTS_AT_ITSELF, "auth_service_url",
            fmt::format("AUTH_SERVICE_URL is the address of {}, on which this process listens.", option));
    }
  }

  void identity() {
    if (strict() && !external() && absent(config_.service_id, "service_id"))
      report(Cause::MISSING_SERVICE_ID, "service_id",
          fmt::format("SERVICE_ID is not set; {} has no default for it.", where()));
    if (strict() && absent(config_.public_url, "public_url"))
      report(Cause::MISSING_PUBLIC_URL, "public_url",
          fmt::format("PUBLIC_URL is not set; {} has no default for it.", where()));
    if (config_.public_url.empty()) return;
    const auto parsed = url("public_url", config_.public_url);
    if (parsed && !parsed->query.empty())
      report(Cause::INVALID_URL, "public_url", "PUBLIC_URL is not a valid public address: it has a query.",
          "Write PUBLIC_URL as https://HOST, https://HOST:PORT or https://HOST/PATH.");
    else if (parsed)
      base_path(parsed->path);
  }

  // Its first segment must not be one of our own: then it would be unclear whether a proxy removed it.
  void base_path(std::string_view path) {
    while (path.ends_with('/')) path.remove_suffix(1);
    if (path.empty()) return;
    constexpr std::array<std::string_view, 10> kOurs = {
        "auth", "oauth2", "ws", "api", "health", "metrics", "causes", "internal", ".well-known", "connection"};
    const std::string_view first = path.substr(1, path.find('/', 1) - 1);
    const auto plain = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
          c == '.' || c == '/';
    };
    const bool usable = std::ranges::all_of(path, plain) && path.find("//") == std::string_view::npos &&
        path.find("/.") == std::string_view::npos && path.size() <= 128;
    if (usable && std::ranges::find(kOurs, first) == kOurs.end()) return;
    report(Cause::INVALID_URL, "public_url",
        usable ? fmt::format("The path of PUBLIC_URL starts with {}, which is a path of this server.", first)
               : "The path of PUBLIC_URL is not valid.",
        "Write the path of PUBLIC_URL with at most 128 letters, digits, '-', '_' and '.', and do not start it with "
        "/auth, /ws or another path of this server.");
  }

  void tls() {
    const bool certificate = !config_.tls_cert_file.empty();
    const bool key = !config_.tls_key_file.empty();
    if (certificate != key) {
      const std::string_view there = certificate ? "tls_cert_file" : "tls_key_file";
      const std::string_view missing = certificate ? "tls_key_file" : "tls_cert_file";
      if (!loaded_.is_broken(missing))
        report(Cause::KEY_PAIR_MISMATCH, missing, fmt::format("{} is set, but {} is not.", name(there), name(missing)),
            fmt::format("Set {} as well.", name(missing)));
    }
    for (auto& fault : read_tls(config_, around_.read, around_.now).faults) report(std::move(fault));
  }

  void deadlines() {
    for (const auto& pair : kDeadlines) {
      const Millis inner = duration_of(config_, pair.inner);
      const Millis outer = duration_of(config_, pair.outer);
      if (inner <= outer || loaded_.is_broken(pair.inner) || loaded_.is_broken(pair.outer)) continue;
      // The option that was set is at fault.
      const std::string_view option = loaded_.given(pair.inner) || !loaded_.given(pair.outer) ? pair.inner : pair.outer;
      report(Cause::TIMEOUTS_INVERTED, option,
          fmt::format("{} ({}) is longer than {} ({}), which encloses it.", pair.inner, format_duration(inner),
              pair.outer, format_duration(outer)),
          fmt::format("Make {} at most as long as {}.", pair.inner, pair.outer));
    }
    if (config_.gateway.heartbeat_interval >= config_.proxy_idle_timeout && !loaded_.is_broken("heartbeat_interval") &&
        !loaded_.is_broken("proxy_idle_timeout"))
      report(Cause::HEARTBEAT_TOO_SLOW,
          loaded_.given("heartbeat_interval") || !loaded_.given("proxy_idle_timeout") ? "heartbeat_interval"
                                                                                      : "proxy_idle_timeout",
          fmt::format("heartbeat_interval ({}) is not shorter than proxy_idle_timeout ({}).",
              format_duration(config_.gateway.heartbeat_interval), format_duration(config_.proxy_idle_timeout)));
    if (config_.gateway.text_bytes > config_.gateway.message_bytes && !loaded_.is_broken("text_bytes") &&
        !loaded_.is_broken("message_bytes"))
      report(Cause::INVALID_VALUE, "text_bytes",
          fmt::format("text_bytes ({}) is larger than message_bytes ({}), which encloses it.",
              format_size(config_.gateway.text_bytes), format_size(config_.gateway.message_bytes)),
          "Make text_bytes at most as large as message_bytes.");
  }

  void proxies() {
    if (config_.proxy_protocol == ProxyHeaders::off || !config_.trusted_proxies.empty()) return;
    report(Cause::INVALID_VALUE, "proxy_protocol",
        fmt::format(
            "proxy_protocol is {}, but no proxy is trusted to send such a header.", word_of(config_.proxy_protocol)),
        "Add the proxy's address to TRUSTED_PROXIES, or set proxy_protocol to off.");
  }

  void exposure() {
    const bool development = loaded_.environment_given && config_.environment == Environment::development;
    if (development && !config_.allow_exposed_development) {
      for (const auto& [option, address] : {std::pair<std::string_view, const HostPort&>{"listen", config_.listen},
               {"metrics_listen", config_.metrics_listen}})
        if (!address.empty() && !wire::is_loopback_host(address.host))
          report(Cause::DEVELOPMENT_EXPOSED, option,
              fmt::format("ENVIRONMENT is development, but {} is an address that others can reach.", option));
    }
    if (config_.echo == EchoAccess::open && loaded_.environment_given && config_.environment == Environment::production)
      report(Cause::INVALID_VALUE, "echo", "echo = open lets anyone use /ws/echo, which production does not allow.",
          "Set echo to token or off.");
    if (!config_.metrics_listen.empty() && config_.metrics_listen.port != 0 && config_.metrics_listen == config_.listen)
      report(Cause::INVALID_VALUE, "metrics_listen", "metrics_listen has the same address as listen.",
          "Give metrics_listen a different port, or remove it.");
  }

  const Loaded& loaded_;
  const Config& config_;
  const Context& around_;
  std::vector<Finding> found_;
};

} // namespace

std::span<const DeadlinePair> deadline_pairs() { return kDeadlines; }

bool generates_secrets(const Loaded& loaded) {
  return loaded.environment_given && loaded.config.environment == Environment::development && loaded.config.role_auth &&
      loaded.config.role_gateway;
}

std::vector<Finding> preflight(const Loaded& loaded, const Context& surroundings) {
  return Preflight(loaded, surroundings).run();
}

} // namespace foyer::config

#include "config/preflight_issuers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/entries.h"
#include "config/issuer_keys.h"
#include "config/secrets.h"
#include "config/tls_files.h"
#include "config/values.h"
#include "wire/url.h"

namespace foyer::config {
namespace {

constexpr std::array<std::string_view, 3> kScopes = {"chat:read", "chat:write", "admin"};
// Ids that belong to this server's own accounts and programs.
constexpr std::array<std::string_view, 3> kReserved = {"u_", "app:", "system:"};

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool is_id_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
        c == ':' || c == '@' || c == '|' || c == '-';
  });
}

class IssuerChecks {
 public:
  IssuerChecks(const Loaded& loaded, const Context& around)
      : loaded_(loaded),
        config_(loaded.config),
        around_(around),
        option_(*find_option("issuer")) {}

  std::vector<Finding> run() {
    mode();
    sign_in();
    for (at_ = 0; at_ < config_.issuers.size(); ++at_) {
      unique();
      keys();
      claims();
      scopes();
      prefix();
    }
    return std::move(found_);
  }

 private:
  const auth::TrustedIssuer& issuer() const { return config_.issuers[at_]; }
  const EntrySource& source() const { return loaded_.entries.find("issuer")->second[at_]; }
  bool broken(std::string_view field) const {
    return std::ranges::find(source().broken, field) != source().broken.end();
  }
  bool strict() const { return loaded_.environment_given && is_strict(config_.environment); }
  Finding& report(Cause code, std::string_view field, std::string_view what, std::string fix = {}) {
    found_.push_back(finding_about_entry(loaded_, code, option_, at_, field,
        fmt::format("{}: {}", entry_name(kIssuers, config_, at_), what), std::move(fix)));
    return found_.back();
  }

  bool external() const { return config_.identity == IdentityMode::external; }
  void about(std::string_view option, std::string message, std::string fix) {
    found_.push_back(finding_about(loaded_, Cause::INVALID_VALUE, option, std::move(message), std::move(fix)));
  }

  void mode() {
    if (loaded_.is_broken("identity") || loaded_.is_broken("issuer") || loaded_.config_file_lost) return;
    if (config_.identity == IdentityMode::own && !config_.issuers.empty())
      about("identity", "identity is own, but there are issuers, whose tokens would not be accepted.",
          "Set identity to both or external, or remove the issuers.");
    if (config_.identity != IdentityMode::own && config_.issuers.empty())
      about("identity", fmt::format("identity is {}, but there is no issuer.", word_of(config_.identity)),
          "Add an [[issuer]], or set identity to own.");
    if (external() && (config_.role_auth || !config_.role_gateway))
      about("role", "identity is external, but role names auth: there are no accounts.",
          "Remove role, or set it to gateway.");
  }

  void sign_in() {
    if (config_.sign_in_url.empty()) return;
    const auto parsed = wire::parse_url(config_.sign_in_url);
    if (!parsed || (parsed->scheme != "https" && parsed->scheme != "http"))
      found_.push_back(
          finding_about(loaded_, Cause::INVALID_URL, "sign_in_url", "sign_in_url is not a valid https or http URL."));
    else if (strict() && parsed->scheme != "https")
      found_.push_back(finding_about(loaded_, Cause::INSECURE_URL, "sign_in_url",
          fmt::format("sign_in_url must be https in {}.", to_string(config_.environment))));
    if (!external() && !loaded_.is_broken("identity"))
      about("sign_in_url", "sign_in_url is set, but identity is not external, so people sign in here.",
          "Remove sign_in_url, or set identity to external.");
  }

  void unique() {
    for (std::size_t i = 0; i < at_; ++i) {
      if (!issuer().name.empty() && config_.issuers[i].name == issuer().name)
        report(Cause::INVALID_VALUE, "name", fmt::format("name is also that of issuer {}.", i + 1),
            "Give each issuer a name of its own.");
      if (!issuer().issuer.empty() && config_.issuers[i].issuer == issuer().issuer)
        report(Cause::INVALID_VALUE, "issuer", fmt::format("issuer is also that of issuer {}.", i + 1),
            "Write one table for each value of `iss`; it may name several audiences.");
    }
    const std::string& own = !config_.jwt_issuer.empty() ? config_.jwt_issuer
        : config_.public_url.empty()                     ? std::string{"foyer"}
                                                         : config_.public_url;
    if (!issuer().issuer.empty() && issuer().issuer == own)
      report(Cause::INVALID_VALUE, "issuer", "issuer is the issuer of this server's own tokens (jwt_issuer).",
          "Set issuer to the `iss` that the other service writes, or jwt_issuer to another value.");
  }

  void keys() {
    const std::pair<std::string_view, bool> sources[] = {{"discovery", issuer().discovery},
        {"jwks_url", !issuer().jwks_url.empty()}, {"secret_file", !issuer().secret_file.empty()},
        {"public_key_file", !issuer().public_key_file.empty()}};
    std::string_view chosen;
    for (const auto& [field, set] : sources) {
      if (!set) continue;
      if (!chosen.empty())
        report(Cause::CONFLICTING_KEYS, field, fmt::format("{} and {} are both set.", chosen, field),
            fmt::format("Remove {} or {}.", chosen, field));
      chosen = field;
    }
    const bool unreadable = std::ranges::any_of(sources, [this](const auto& each) { return broken(each.first); });
    if (chosen.empty() && !unreadable)
      report(Cause::MISSING_JWT_SECRET, "jwks_url", "it has no keys.",
          "Add one of discovery = true, jwks_url, secret_file and public_key_file.");
    if (issuer().discovery && !broken("issuer")) url("issuer", issuer().issuer);
    if (!issuer().jwks_url.empty()) url("jwks_url", issuer().jwks_url);
    if (!issuer().ca_file.empty()) authorities();
    if (!issuer().secret_file.empty()) secret_file();
    if (!issuer().public_key_file.empty()) public_key_file();
    if (chosen == "discovery" || chosen == "jwks_url") public_only();
  }

  // RFC 8725 §3.1: a published key is never a shared secret.
  void public_only() {
    for (const auto algorithm : algorithms_of(issuer()))
      if (jose::family_of(algorithm) == jose::Family::hmac)
        report(Cause::CONFLICTING_KEYS, "algorithms",
            fmt::format(
                "algorithms names {}, which needs secret_file, but the keys are public.", jose::to_string(algorithm)),
            "Remove it from algorithms, or use secret_file.");
    if (issuer().audience.empty() && !broken("audience"))
      report(Cause::INVALID_VALUE, "audience",
          "audience is missing; an issuer with a published key set also issues tokens for others.",
          "Set audience to the `aud` of tokens that are meant for this server.");
  }

  void url(std::string_view field, const std::string& value) {
    const auto parsed = wire::parse_url(value);
    std::string what;
    if (!parsed)
      what = parsed.error().evidence.substr(0, parsed.error().evidence.find(": ")); // the rest is part of the value
    else if (parsed->scheme != "http" && parsed->scheme != "https")
      what = "the scheme is not https or http";
    else if (field == "issuer" && !parsed->query.empty())
      what = "an issuer with discovery has no query";
    if (!what.empty()) {
      report(Cause::INVALID_URL, field, fmt::format("{} is not a valid URL: {}.", field, what));
      return;
    }
    if (parsed->scheme == "https") return;
    if (strict())
      report(Cause::INSECURE_URL, field, fmt::format("{} must be https in {}.", field, to_string(config_.environment)));
    else if (!wire::is_loopback_host(parsed->host))
      report(Cause::INSECURE_URL, field,
          fmt::format(
              "{} is plain http to another machine: anyone on the network in between can replace the keys.", field))
          .severity = Severity::warning;
  }

  std::optional<FileText> file(std::string_view field, const std::string& path) {
    auto out = around_.read(path);
    if (out) return std::move(*out);
    report(Cause::KEY_UNREADABLE, field, fmt::format("the file of {} {}.", field, out.error()));
    return std::nullopt;
  }

  void authorities() {
    const auto text = around_.read(issuer().ca_file);
    if (!text || !holds_certificate(text->bytes))
      report(Cause::FILE_UNREADABLE, "ca_file",
          fmt::format("the file of ca_file {}.", text ? "does not contain a PEM certificate" : text.error()));
  }

  void secret_file() {
    const auto text = file("secret_file", issuer().secret_file);
    if (!text) return;
    if (auto seen = exposure(*text, issuer().secret_file))
      report(Cause::SECRET_FILE_EXPOSED, "secret_file",
          fmt::format("the file of secret_file is accessible to all users (mode {:04o}).", text->mode & 07777),
          std::move(seen->fix))
          .severity = seen->severity;
    const auto key = secret_in(issuer(), text->bytes);
    if (!key) {
      report(key.error().cause, key.error().field == "algorithms" ? "algorithms" : "secret_file",
          fmt::format("secret_file does not hold a usable secret: {}.", key.error().evidence));
      return;
    }
    const std::string_view secret = without_line_end(text->bytes);
    if (is_placeholder(secret, true))
      report(Cause::PLACEHOLDER_VALUE, "secret_file",
          "the file of secret_file still contains text from an example or a template.");
    else if (const auto weak = weakness(secret, jose::min_secret_bytes(key->algorithm())))
      report(Cause::WEAK_SECRET, "secret_file", fmt::format("the secret {}.", *weak),
          "Replace it, here and where the tokens are signed, with the output of `openssl rand -base64 48`.");
    for (const auto& [option, value] :
        {std::pair<std::string_view, const std::string&>{"service_secret", config_.service_secret},
            {"jwt_secret_key", config_.jwt_secret_key}, {"api_key", config_.api_key}, {"store_key", config_.store_key}})
      if (!value.empty() && secret == value)
        report(Cause::SECRET_REUSED, "secret_file",
            fmt::format("the secret is also the value of {}.", env_name(*find_option(option))),
            fmt::format("Set {} to a separate value: `openssl rand -base64 48`.", env_name(*find_option(option))));
    for (std::size_t i = 0; i < secrets_.size(); ++i)
      if (secrets_[i].second == key->thumbprint())
        report(Cause::SECRET_REUSED, "secret_file",
            fmt::format("the secret is also that of {}.", entry_name(kIssuers, config_, secrets_[i].first)),
            "Give each issuer a secret of its own: each could sign tokens of the other.");
    secrets_.emplace_back(at_, key->thumbprint());
  }

  void public_key_file() {
    const auto text = file("public_key_file", issuer().public_key_file);
    if (!text) return;
    if (const auto keys = public_keys_in(issuer(), text->bytes); !keys)
      report(keys.error().cause, keys.error().cause == Cause::CONFLICTING_KEYS ? "algorithms" : "public_key_file",
          fmt::format("public_key_file does not hold a usable public key: {}.", keys.error().evidence));
  }

  void claims() {
    for (const auto& type : issuer().token_types)
      if (type.find_first_of(" \t") != std::string::npos)
        report(Cause::INVALID_VALUE, "token_types", "token_types takes values of `typ`, which have no spaces.");
    if (issuer().token_types.empty() && !broken("token_types"))
      report(Cause::INVALID_VALUE, "token_types", "token_types is empty, so every token would be refused.",
          "Remove token_types, or name the `typ` of the tokens.");
  }

  void scopes() {
    const auto& allowed = issuer().allow_scopes;
    const auto known = [&](std::string_view field, std::string_view scope) {
      if (std::ranges::find(kScopes, scope) == kScopes.end())
        report(Cause::INVALID_VALUE, field,
            fmt::format("{} names a scope that this server does not know; it gives nothing.", field),
            fmt::format("The scopes are {}.", fmt::join(kScopes, ", ")))
            .severity = Severity::warning;
    };
    for (const auto& scope : allowed) known("allow_scopes", scope);
    const bool set = source().fields.contains("default_scope");
    for (const auto scope : words(issuer().default_scope)) {
      if (!set || broken("default_scope")) break;
      known("default_scope", scope);
      if (std::ranges::find(allowed, scope) == allowed.end() && !broken("allow_scopes"))
        report(Cause::INVALID_VALUE, "default_scope", "default_scope names a scope that allow_scopes does not.",
            "Add it to allow_scopes, or remove it from default_scope.");
    }
    for (const auto& [from, scope] : issuer().scope_map) {
      const auto colon = from.find(':');
      if (colon == 0 || colon == std::string::npos || colon + 1 == from.size())
        report(Cause::INVALID_VALUE, "scope_map", "a name in scope_map is not CLAIM:VALUE.",
            "Write for example \"realm_access.roles:moderator\" = \"admin\".");
      for (const auto each : words(scope)) {
        known("scope_map", each);
        if (each == "admin" && std::ranges::find(allowed, each) == allowed.end())
          report(Cause::INVALID_VALUE, "scope_map", "scope_map gives admin, which allow_scopes does not list.",
              "Add \"admin\" to allow_scopes if its tokens may make administrators.");
      }
    }
  }

  void prefix() {
    if (broken("user_prefix")) return;
    const std::string& mine = issuer().user_prefix;
    const auto conflict = [&](std::string_view what, std::string fix) {
      report(Cause::ISSUER_PREFIX_CONFLICT, "user_prefix", what, std::move(fix));
    };
    const std::string example = fmt::format(
        "Set user_prefix = \"{}|\".", is_id_text(issuer().name) && !issuer().name.empty() ? issuer().name : "shop");
    if (mine.empty() && external() && config_.issuers.size() == 1) return; // nobody else has ids
    if (mine.empty()) return conflict("user_prefix is missing, so its users could claim the ids of others.", example);
    if (!mine.ends_with('|') || !is_id_text(mine) || mine.size() < 2)
      return conflict("user_prefix is not letters, digits and . _ : @ - that end in |.", example);
    for (const auto reserved : kReserved)
      if (mine.starts_with(reserved))
        return conflict(
            fmt::format("user_prefix starts with {}, which belongs to this server's own users.", reserved), example);
    for (std::size_t i = 0; i < at_; ++i) {
      const std::string& other = config_.issuers[i].user_prefix;
      if (!other.empty() && (other.starts_with(mine) || mine.starts_with(other)))
        conflict(fmt::format("user_prefix and that of {} begin alike, so one could claim users of the other.",
                     entry_name(kIssuers, config_, i)),
            "Choose prefixes of which none begins another.");
    }
  }

  const Loaded& loaded_;
  const Config& config_;
  const Context& around_;
  const Option& option_;
  std::size_t at_ = 0;
  std::vector<std::pair<std::size_t, std::string>> secrets_; // of the issuers so far, by thumbprint
  std::vector<Finding> found_;
};

} // namespace

std::vector<Finding> issuer_findings(const Loaded& loaded, const Context& surroundings) {
  return IssuerChecks(loaded, surroundings).run();
}

} // namespace foyer::config

// foyer token issue | inspect | verify
#include <fmt/format.h>

#include <iostream>

#include "base/bytes.h"
#include "cli/command_line.h"
#include "cli/token_keys.h"
#include "config/values.h"
#include "jose/jws.h"
#include "jose/signer.h"

namespace foyer::cli {
namespace {

constexpr std::string_view kUsage =
    "Usage: foyer token issue --sub USER [OPTIONS]\n"
    "       foyer token inspect [TOKEN] [--json]\n"
    "       foyer token verify [TOKEN] [OPTIONS]\n\n"
    "Issues access tokens, shows their contents, and checks whether the server would accept one\n"
    "and if not, why not. Without TOKEN, or with -, it is read from standard input.\n\n"
    "`foyer token issue --help` (or inspect, verify) describes each command.\n";

constexpr std::string_view kIssueUsage =
    "Usage: foyer token issue --sub USER [OPTIONS]\n\n"
    "Prints an access token (RFC 9068), signed with the key of this installation or a given key.\n"
    "Anyone who has it can act as USER until it expires, so keep it secret.\n\n"
    "  --sub USER         the subject: 1 to 128 of A-Z a-z 0-9 . _ : @ | -\n"
    "  --name NAME        the display name; default USER\n"
    "  --scope SCOPE      default \"chat:read chat:write\"; \"\" for none\n"
    "  --ttl DURATION     default 15m; -5m issues an expired token\n"
    "  --sid SESSION      the session it belongs to\n"
    "  --client-id ID     default foyer-cli\n"
    "  --issuer, --audience, --env   default as configured\n"
    "  --typ TYPE         default at+jwt; doctor+jwt for the header X-Foyer-Doctor (docs/proxies.md)\n"
    "  --key FILE         a private key: PEM or JWK; or the JWK itself\n"
    "  --secret-env NAME  the variable that holds a shared secret\n"
    "  --alg ALGORITHM    for a key that names no algorithm; default RS256, or HS256\n"
    "  --now TIME         issue as of this time: seconds since 1970, or 2026-01-02T03:04:05Z\n"
    "  --json             print the token with its claims as JSON\n"
    "  --data DIR, --config FILE, --dev, --OPTION=VALUE   as for `foyer serve`\n\n"
    "Examples:\n"
    "  foyer token issue --data ./data --sub alice --ttl 1h\n"
    "  foyer token issue --secret-env JWT_SECRET_KEY --sub alice --issuer https://chat.example --audience foyer\n";

constexpr std::string_view kInspectUsage =
    "Usage: foyer token inspect [TOKEN] [--json] [--now TIME]\n\n"
    "Shows the header and claims. Nothing is verified: anyone can write such a token.\n"
    "Exit status: 0 well-formed token, 1 not a token.\n\n"
    "Example:\n"
    "  foyer token issue --data ./data --sub alice | foyer token inspect\n";

// 15m, or -5m: in the past.
std::optional<Millis> parse_life(std::string_view text) {
  const bool past = text.starts_with('-');
  const auto life = config::parse_duration(past ? text.substr(1) : text);
  if (!life) return std::nullopt;
  return past ? -*life : *life;
}

bool is_user_id(std::string_view text) {
  return !text.empty() && text.size() <= 128 &&
      text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@|-") ==
      std::string_view::npos;
}

json::Value parsed_or_null(std::string_view text) {
  auto value = json::parse(text);
  return value ? std::move(*value) : json::Value{};
}

} // namespace

int token_issue(Args args) {
  constexpr std::string_view kValues[] = {"--sub", "--name", "--scope", "--ttl", "--sid", "--client-id", "--issuer",
      "--audience", "--env", "--typ", "--key", "--secret-env", "--alg", "--now"};
  constexpr std::string_view kFlags[] = {"--json"};
  const auto read = read_token_args(args, kValues, kFlags);
  if (const auto status = settled("token issue", read, kIssueUsage)) return *status;
  const auto usage_error = [](std::string_view what) {
    fmt::print(stderr, "foyer token issue: {}\n\n{}", what, kIssueUsage);
    return kCouldNotRun;
  };
  const auto sub = read->value("--sub");
  if (!sub || !read->rest.empty()) return usage_error("--sub USER is required, and only options are allowed");
  if (!is_user_id(*sub)) return usage_error("--sub takes 1 to 128 of A-Z a-z 0-9 . _ : @ | -");
  const auto loaded = load_for_tokens(read->options);
  const auto& config = loaded.config;
  const auto life = parse_life(read->value("--ttl").value_or(config::format_duration(config.accounts.access_ttl)));
  if (!life) return usage_error("--ttl takes a duration such as 15m, 1h or -5m");
  const auto now = read->value("--now") ? parse_moment(*read->value("--now")) : system_clock().wall();
  if (!now) return usage_error("--now takes seconds since 1970, or a time such as 2026-01-02T03:04:05Z");

  auto keys = keys_of(*read, config);
  if (!keys) return token_fails(keys.error());
  auto signer = jose::Signer::make(keys->keys.front());
  if (!signer) return token_fails(signer.error());

  const WallTime issued = *life < Millis{0} ? *now + 2 * *life : *now; // an expired token began before it ended
  jose::AccessClaims claims{
      .issuer = read->value("--issuer").value_or(config.jwt_issuer),
      .audience = read->value("--audience").value_or(config.jwt_audience),
      .subject = UserId{*sub},
      .issued_at = issued,
      .expires_at = *now + *life,
      .token = TokenId{system_entropy().short_id()},
      .client_id = read->value("--client-id").value_or("foyer-cli"),
      .session = SessionId{read->value("--sid").value_or("")},
      .name = read->value("--name").value_or(*sub),
      .permissions = parse_scope(read->value("--scope").value_or("chat:read chat:write")),
      .environment = read->value("--env").value_or(
          loaded.environment_given ? std::string{config::to_string(config.environment)} : ""),
  };
  const auto claims_json = jose::write_claims(claims);
  const auto token = jose::sign_compact(signer->key(), read->value("--typ").value_or("at+jwt"), claims_json);
  if (read->has("--json"))
    fmt::print("{}\n",
        json::write(json::Object{
            {"token", token}, {"expires_at", rfc3339(claims.expires_at)}, {"claims", parsed_or_null(claims_json)}}));
  else
    fmt::print("{}\n", token);
  return 0;
}

int token_inspect(Args args) {
  constexpr std::string_view kValues[] = {"--now"};
  constexpr std::string_view kFlags[] = {"--json"};
  const auto read = read_token_args(args, kValues, kFlags);
  if (const auto status = settled("token inspect", read, kInspectUsage)) return *status;
  if (read->rest.size() > 1) {
    fmt::print(stderr,
        "foyer token inspect: at most one TOKEN is allowed\n\n"
        "{}",
        kInspectUsage);
    return kCouldNotRun;
  }
  const auto now = read->value("--now") ? parse_moment(*read->value("--now")) : system_clock().wall();
  if (!now) {
    fmt::print(stderr, "foyer token inspect: --now takes seconds since 1970, or a time such as 2026-01-02T03:04:05Z\n");
    return kCouldNotRun;
  }
  auto token = token_argument(*read);
  const auto jws = jose::parse_compact(token);
  if (!jws) {
    if (read->has("--json"))
      fmt::print("{}\n",
          json::write(json::Object{{"code", jws.error().code()}, {"detail", jws.error().operator_text()},
              {"header", nullptr}, {"claims", nullptr}, {"verified", false}}));
    else
      fmt::print(stderr, "{}: {}\n", jws.error().code(), jws.error().operator_text());
    return 1;
  }
  const auto header = parsed_or_null(jws->header.json);
  const auto claims = parsed_or_null(jws->payload);
  if (read->has("--json")) {
    fmt::print("{}\n", json::write(json::Object{{"header", header}, {"claims", claims}, {"verified", false}}));
    return 0;
  }
  fmt::print("header {}\nclaims {}\n", json::write_pretty(header),
      claims.is_null() ? "are not JSON" : json::write_pretty(claims));
  if (const auto* object = claims.if_object()) {
    for (const auto* name : {"iat", "nbf", "exp"}) {
      const auto seconds = json::get_int(*object, name);
      if (!seconds || *seconds < 0 || *seconds > 253'402'300'799) continue;
      const auto away = *seconds - unix_seconds(*now);
      fmt::print("{}    {}, {} s {}\n", name, rfc3339(from_unix_seconds(*seconds)), away < 0 ? -away : away,
          away < 0 ? "ago" : "from now");
    }
  }
  fmt::print("The signature was not checked; use `foyer token verify` for that.\n");
  return 0;
}

int run_token(Args args) {
  if (args.empty() || args.front() == "--help" || args.front() == "-h") {
    fmt::print(args.empty() ? stderr : stdout, "{}", kUsage);
    return args.empty() ? kCouldNotRun : 0;
  }
  const auto rest = args.subspan(1);
  if (args.front() == "issue") return token_issue(rest);
  if (args.front() == "inspect") return token_inspect(rest);
  if (args.front() == "verify") return token_verify(rest);
  constexpr std::string_view kVerbs[] = {"issue", "inspect", "verify"};
  fmt::print(stderr,
      "foyer token: unknown command `foyer token {}`{}\n\n"
      "{}",
      printable(args.front(), 64), did_you_mean(args.front(), kVerbs), kUsage);
  return kCouldNotRun;
}

} // namespace foyer::cli

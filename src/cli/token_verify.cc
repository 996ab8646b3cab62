// foyer token verify: would the server take this token, and if not, why not.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "base/bytes.h"
#include "cli/token_keys.h"
#include "config/values.h"
#include "jose/jws.h"
#include "jose/verifier.h"

namespace foyer::cli {
namespace {

constexpr std::string_view kVerifyUsage =
    "Usage: foyer token verify [TOKEN] [OPTIONS]\n"
    "       foyer token verify --batch [OPTIONS] < LINES\n\n"
    "Says whether the server would take an access token, and if not, why not. TOKEN absent or -:\n"
    "read from standard input. Exit status: 0 valid, 1 refused, 2 could not run.\n\n"
    "  --key FILE         PEM, JWK or JWKS; or the JWK itself. By default the key of this installation\n"
    "  --secret-env NAME  the variable that holds an HS256 secret\n"
    "  --issuer, --audience, --env, --typ, --leeway   what the token must say; by default as configured\n"
    "  --now TIME         as of then: seconds since 1970, or 2026-01-02T03:04:05Z\n"
    "  --jws              only form and signature; the payload need not be claims\n"
    "  --batch            lines {\"key\": JWK, JWKS, PEM or secret, \"token\": TOKEN}, answered line by line as JSON\n"
    "  --json             {\"valid\",\"code\",\"detail\",\"header\",\"claims\"}\n"
    "  --data DIR, --config FILE, --dev, --OPTION=VALUE   as for `foyer serve`\n\n"
    "Examples:\n"
    "  foyer token verify --data ./data eyJhbGciOi…\n"
    "  foyer token verify --key public.pem --issuer https://chat.example --audience foyer --json < token.txt\n";

constexpr std::size_t kLongestLine = 1 << 20;

struct Task {
  jose::VerifierPolicy policy;
  WallTime now{};
  bool signature_only = false;
};

struct Finding {
  std::optional<Refusal> refusal;
  json::Value header;
  json::Value claims;
};

json::Value parsed_or_null(std::string_view text) {
  auto value = json::parse(text);
  return value ? std::move(*value) : json::Value{};
}

// Header and claims are shown also of a token that is refused, when it has the form.
Finding judge(const GivenKeys& given, std::string_view token, const Task& task) {
  Finding out;
  const auto jws = jose::parse_compact(token, task.policy.max_bytes);
  if (!jws) {
    out.refusal = jws.error();
    return out;
  }
  out.header = parsed_or_null(jws->header.json);
  out.claims = parsed_or_null(jws->payload);
  auto keys = given.keys;
  // A key that has no name of its own is the one that is meant, whatever the token calls it.
  if (task.signature_only && !given.names_kid && jws->header.kid) keys.front() = keys.front().with_kid(*jws->header.kid);
  auto set = jose::KeySet::of(std::move(keys));
  if (!set) {
    out.refusal = set.error();
  } else if (task.signature_only) {
    if (auto verified = jose::verify_signature(*jws, **set); !verified) out.refusal = verified.error();
  } else if (auto verified = jose::Verifier(*set, task.policy).verify(token, task.now); !verified) {
    out.refusal = verified.error();
  }
  return out;
}

std::string as_json(const Finding& finding) {
  json::Object out{{"valid", !finding.refusal}, {"code", nullptr}, {"detail", ""}, {"header", finding.header}, {"claims", finding.claims}};
  if (finding.refusal) {
    out["code"] = finding.refusal->code();
    out["detail"] = finding.refusal->operator_text();
    if (!finding.refusal->field.empty()) out["field"] = finding.refusal->field;
    out["next"] = finding.refusal->info().next;
  }
  return json::write(out);
}

Finding judge_line(const std::string& line, const Task& task) {
  const auto value = line.size() > kLongestLine ? std::unexpected(std::string{"longer than 1 MiB"}) : json::parse(line);
  const auto bad_line = [](std::string what) { return Finding{.refusal = Refusal{.cause = Cause::BAD_REQUEST, .evidence = std::move(what)}, .header = {}, .claims = {}}; };
  if (!value) return bad_line("a line that is not JSON: " + value.error());
  const auto* object = value->if_object();
  const auto* key = object == nullptr ? nullptr : object->if_contains("key");
  const auto token = object == nullptr ? std::nullopt : json::get_string(*object, "token");
  if (key == nullptr || !token || (!key->is_string() && !key->is_object())) return bad_line("a line that is not {\"key\":…,\"token\":\"…\"}");
  const auto given = key->is_object() ? read_keys(json::write(*key), true) : read_keys(std::string_view{key->get_string()}, true);
  if (!given) return Finding{.refusal = given.error(), .header = {}, .claims = {}};
  return judge(*given, *token, task);
}

int verify_batch(const Task& task) {
  bool all_valid = true;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto finding = judge_line(line, task);
    all_valid = all_valid && !finding.refusal;
    fmt::print("{}\n", as_json(finding));
  }
  return all_valid ? 0 : 1;
}

void print_for_people(const Finding& finding) {
  if (finding.refusal) {
    fmt::print("refused: {}\n{}\n{}\n", finding.refusal->code(), finding.refusal->operator_text(), finding.refusal->info().next);
    return;
  }
  fmt::print("valid\n");
  if (const auto* claims = finding.claims.if_object())
    for (const auto& member : *claims) fmt::print("  {:<10} {}\n", std::string_view{member.key()}, json::write(member.value()));
}

} // namespace

int token_verify(Args args) {
  constexpr std::string_view kValues[] = {"--key", "--secret-env", "--issuer", "--audience", "--env", "--typ", "--leeway", "--now"};
  constexpr std::string_view kFlags[] = {"--jws", "--batch", "--json"};
  if (std::ranges::any_of(args, [](const std::string& a) { return a == "--help" || a == "-h"; })) {
    fmt::print("{}", kVerifyUsage);
    return 0;
  }
  const auto read = read_token_args(args, kValues, kFlags, kVerifyUsage);
  if (!read) return kCouldNotRun;
  const bool batch = read->has("--batch");
  const auto usage_error = [](std::string_view what) {
    fmt::print(stderr, "foyer token verify: {}\n\n{}", what, kVerifyUsage);
    return kCouldNotRun;
  };
  if (read->rest.size() > (batch ? 0U : 1U)) return usage_error(batch ? "--batch reads standard input" : "one TOKEN at a time");
  if (batch && (read->value("--key") || read->value("--secret-env"))) return usage_error("with --batch every line has its own key");

  const auto loaded = load_for_tokens(read->config);
  const auto& config = loaded.config;
  Task task;
  task.signature_only = read->has("--jws");
  task.policy = {.issuer = read->value("--issuer").value_or(config.jwt_issuer), .audience = read->value("--audience").value_or(config.jwt_audience)};
  task.policy.token_types = read->value("--typ") ? std::vector<std::string>{*read->value("--typ")} : config.token_types;
  task.policy.require_environment_claim = loaded.environment_given && config.require_environment_claim;
  task.policy.max_bytes = config.token_bytes;
  task.policy.environment = read->value("--env");
  if (!task.policy.environment && loaded.environment_given) task.policy.environment = std::string{config::to_string(config.environment)};
  const auto leeway = config::parse_duration(read->value("--leeway").value_or(config::format_duration(config.jwt_leeway)));
  if (!leeway) return usage_error("--leeway is a duration such as 30s");
  task.policy.leeway = *leeway;
  const auto now = read->value("--now") ? parse_moment(*read->value("--now")) : system_clock().wall();
  if (!now) return usage_error("--now is seconds since 1970, or a time such as 2026-01-02T03:04:05Z");
  task.now = *now;
  if (batch) return verify_batch(task);

  const auto keys = keys_of(*read, config);
  if (!keys) return token_fails(keys.error());
  const auto finding = judge(*keys, token_argument(*read), task);
  if (read->has("--json")) fmt::print("{}\n", as_json(finding));
  else print_for_people(finding);
  return finding.refusal ? 1 : 0;
}

} // namespace foyer::cli

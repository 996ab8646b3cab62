// foyer token verify: whether the server would accept this token, and if not, why not.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/bytes.h"
#include "cli/token_explain.h"
#include "cli/token_keys.h"
#include "config/values.h"
#include "jose/jws.h"
#include "jose/verifier.h"

namespace foyer::cli {
namespace {

constexpr std::string_view kVerifyUsage =
    "Usage: foyer token verify [TOKEN] [OPTIONS]\n"
    "       foyer token verify --batch [OPTIONS] < LINES\n\n"
    "Checks whether the server would accept an access token, and if not, why not. Without TOKEN, or with -,\n"
    "it is read from standard input. Exit status: 0 valid, 1 refused, 2 could not run.\n\n"
    "  --key FILE         PEM, JWK or JWKS; or the JWK itself; default the key of this installation\n"
    "  --secret-env NAME  the variable that holds a shared secret\n"
    "  --alg ALGORITHM    the only accepted algorithm; default the key's, or the token's if the key has none\n"
    "  --issuer, --audience, --env, --typ, --leeway   required values; default as configured\n"
    "  --now TIME         verify as of this time: seconds since 1970, or 2026-01-02T03:04:05Z\n"
    "  --jws              check only form and signature; the payload need not be claims\n"
    "  --explain          what each issuer of the configuration makes of it, with everything that is wrong. Nothing\n"
    "                     is fetched: --key FILE stands for a key set at an address\n"
    "  --batch            many tokens, each with its own key (see below)\n"
    "  --json             {\"valid\",\"code\",\"detail\",\"header\",\"claims\"}\n"
    "  --data DIR, --config FILE, --dev, --OPTION=VALUE   as for `foyer serve`\n\n"
    "With --batch, each line of standard input is {\"key\": KEY, \"token\": TOKEN}, of at most 1 MiB; KEY is a\n"
    "JWK or a JWKS, or a string with one of them, PEM or a secret; other members are ignored.\n"
    "Each line that is not empty is answered, in order and at once, with the line of JSON that --json\n"
    "prints; \"code\" is null for a valid token. A key without a kid is used whatever kid the token\n"
    "names. A line that cannot be checked is BAD_REQUEST. Exit status: 0 all valid, 1 any refused.\n\n"
    "Examples:\n"
    "  foyer token verify --data ./data eyJhbGciOi…\n"
    "  foyer token verify --key public.pem --issuer https://chat.example --audience foyer --json < token.txt\n"
    "  foyer token verify --batch --jws < vectors.jsonl\n";

constexpr std::size_t kLongestLine = 1 << 20;

struct Task {
  jose::VerifierPolicy policy;
  WallTime now{};
  bool signature_only = false;
  bool batch = false;
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

// A refused token's header and claims are also shown, if it is well formed.
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
  // A key without a kid is used for any kid.
  if ((task.signature_only || task.batch) && !given.names_kid && jws->header.kid)
    keys.front() = keys.front().with_kid(*jws->header.kid);
  // A key without an algorithm is used for the token's; configured keys always have one.
  if (const auto algorithm = jose::find_algorithm(jws->header.alg))
    for (auto& key : keys)
      if (key.is_open() && key.takes(*algorithm)) key = *key.with_algorithm(*algorithm);
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
  json::Object out{{"valid", !finding.refusal}, {"code", nullptr}, {"detail", ""}, {"header", finding.header},
      {"claims", finding.claims}};
  if (finding.refusal) {
    out["code"] = finding.refusal->code();
    out["detail"] = finding.refusal->operator_text();
    if (!finding.refusal->field.empty()) out["field"] = finding.refusal->field;
    out["next"] = finding.refusal->info().next;
  }
  return json::write(out);
}

Finding refused(Cause cause, std::string evidence, std::string field = {}) {
  return {.refusal = Refusal{.cause = cause, .evidence = std::move(evidence), .field = std::move(field)},
      .header = {},
      .claims = {}};
}

Finding judge_line(std::string_view line, const Task& task) {
  const auto value = json::parse(line, {.bytes = kLongestLine});
  if (!value) return refused(Cause::BAD_REQUEST, "a line that is not JSON: " + value.error());
  const auto* object = value->if_object();
  const auto* key = object == nullptr ? nullptr : object->if_contains("key");
  const auto* token = object == nullptr ? nullptr : object->if_contains("token");
  if (key == nullptr || token == nullptr)
    return refused(Cause::BAD_REQUEST, "a line that is not {\"key\":…,\"token\":\"…\"}");
  if (!key->is_string() && !key->is_object())
    return refused(Cause::KEY_UNREADABLE, "a key that is neither an object nor a string", "key");
  const auto given =
      key->is_object() ? read_keys(json::write(*key), true) : read_keys(std::string_view{key->get_string()}, true);
  if (!given) return {.refusal = given.error(), .header = {}, .claims = {}};
  if (!token->is_string())
    return refused(
        Cause::INVALID_FORMAT, "a token that is not a string; the JSON serialisation is not supported", "token");
  return judge(*given, std::string_view{token->get_string()}, task);
}

// The lines of standard input as they arrive, so that another program can use this one interactively.
// Bytes beyond the limit of a line are skipped, never stored.
class Lines {
 public:
  enum class Kind : std::uint8_t { line, too_long, end, failed };

  Kind next(std::string& line) {
    line.clear();
    Kind kind = Kind::end;
    for (;;) {
      if (at_ == filled_) {
        const auto got = fill();
        if (got < 0) return Kind::failed;
        if (got == 0) return kind;
      }
      const auto rest = std::string_view{buffer_}.substr(at_, filled_ - at_);
      const auto newline = rest.find('\n');
      const auto piece = rest.substr(0, newline);
      if (kind == Kind::end) kind = Kind::line;
      if (line.size() + piece.size() > kLongestLine) kind = Kind::too_long;
      if (kind == Kind::line) line += piece;
      at_ += piece.size();
      if (newline == std::string_view::npos) continue;
      ++at_;
      return kind;
    }
  }

 private:
  ssize_t fill() {
    ssize_t got = 0;
    do got = ::read(STDIN_FILENO, buffer_.data(), buffer_.size());
    while (got < 0 && errno == EINTR);
    at_ = 0;
    filled_ = got > 0 ? static_cast<std::size_t>(got) : 0;
    return got;
  }

  std::string buffer_ = std::string(64 * 1024, '\0');
  std::size_t at_ = 0;
  std::size_t filled_ = 0;
};

int verify_batch(const Task& task) {
  bool all_valid = true;
  Lines lines;
  std::string line;
  for (;;) {
    const auto kind = lines.next(line);
    if (kind == Lines::Kind::end) return all_valid ? 0 : 1;
    if (kind == Lines::Kind::failed) {
      fmt::print(stderr, "foyer token verify: standard input cannot be read\n");
      return kCouldNotRun;
    }
    if (kind == Lines::Kind::line && line.find_first_not_of(" \t\r") == std::string::npos) continue;
    Finding finding = refused(Cause::BAD_REQUEST, "a line longer than 1 MiB");
    try {
      if (kind == Lines::Kind::line) finding = judge_line(line, task);
    } catch (const std::exception&) { // the following lines must still be answered
      finding = refused(Cause::INTERNAL_ERROR, "a line that could not be checked");
    }
    all_valid = all_valid && !finding.refusal;
    fmt::print("{}\n", as_json(finding));
    if (std::fflush(stdout) != 0) return kCouldNotRun; // the reader is gone
  }
}

void print_for_people(const Finding& finding) {
  if (finding.refusal) {
    fmt::print("refused: {}\n{}\n{}\n", finding.refusal->code(), finding.refusal->operator_text(),
        finding.refusal->info().next);
    return;
  }
  fmt::print("valid\n");
  if (const auto* claims = finding.claims.if_object())
    for (const auto& member : *claims)
      fmt::print("  {:<10} {}\n", printable(member.key(), 64), json::write(member.value()));
}

} // namespace

int token_verify(Args args) {
  constexpr std::string_view kValues[] = {
      "--key", "--secret-env", "--alg", "--issuer", "--audience", "--env", "--typ", "--leeway", "--now"};
  constexpr std::string_view kFlags[] = {"--jws", "--batch", "--json", "--explain"};
  const auto read = read_token_args(args, kValues, kFlags);
  if (const auto status = settled("token verify", read, kVerifyUsage)) return *status;
  const bool batch = read->has("--batch");
  const auto usage_error = [](std::string_view what) {
    fmt::print(stderr, "foyer token verify: {}\n\n{}", what, kVerifyUsage);
    return kCouldNotRun;
  };
  if (read->rest.size() > (batch ? 0U : 1U))
    return usage_error(batch ? "--batch reads standard input" : "at most one TOKEN is allowed");
  if (batch && (read->value("--key") || read->value("--secret-env") || read->value("--alg")))
    return usage_error("with --batch every line has its own key");

  const auto loaded = load_for_tokens(read->options);
  const auto& config = loaded.config;
  Task task;
  task.signature_only = read->has("--jws");
  task.batch = batch;
  task.policy = {.issuer = read->value("--issuer").value_or(config.jwt_issuer),
      .audience = read->value("--audience").value_or(config.jwt_audience)};
  task.policy.token_types = read->value("--typ") ? std::vector<std::string>{*read->value("--typ")} : config.token_types;
  task.policy.require_environment_claim = loaded.environment_given && config.require_environment_claim;
  task.policy.max_bytes = config.gateway.door.max_token_bytes;
  task.policy.environment = read->value("--env");
  if (!task.policy.environment && loaded.environment_given)
    task.policy.environment = std::string{config::to_string(config.environment)};
  const auto leeway =
      config::parse_duration(read->value("--leeway").value_or(config::format_duration(config.jwt_leeway)));
  if (!leeway) return usage_error("--leeway takes a duration such as 30s");
  task.policy.leeway = *leeway;
  const auto now = read->value("--now") ? parse_moment(*read->value("--now")) : system_clock().wall();
  if (!now) return usage_error("--now takes seconds since 1970, or a time such as 2026-01-02T03:04:05Z");
  task.now = *now;
  if (batch) return verify_batch(task);

  const bool explain = read->has("--explain");
  auto keys = keys_of(*read, config);
  const bool none = !keys && keys.error().cause == Cause::MISSING_JWT_SECRET;
  if (!keys && !(explain && none)) return token_fails(keys.error());
  if (explain) {
    ExplainTask asked{.config = config, .own = task.policy, .now = *now, .as_json = read->has("--json")};
    const bool given = read->value("--key") || read->value("--secret-env");
    if (keys) (given ? asked.given_keys : asked.own_keys) = std::move(keys->keys);
    return explain_token(asked, token_argument(*read));
  }
  const auto finding = judge(*keys, token_argument(*read), task);
  if (read->has("--json"))
    fmt::print("{}\n", as_json(finding));
  else
    print_for_people(finding);
  return finding.refusal ? 1 : 0;
}

} // namespace foyer::cli

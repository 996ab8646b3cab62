// `foyer service`: manages services and what each may call. A running
// auth service reads the changes within a second.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/clients/services.h"
#include "accounts/session/tokens.h"
#include "auth/contract/signature.h"
#include "base/bytes.h"
#include "base/json.h"
#include "cli/command_line.h"
#include "cli/offline_accounts.h"
#include "config/load.h"
#include "config/secrets.h"

namespace foyer::cli {
namespace {

using accounts::AccountStore;
using accounts::AuditRow;
using accounts::ServiceRow;

constexpr std::string_view kUsage =
    "Usage: foyer service add ID [--may-call ID,…] [--secret-stdin]\n"
    "       foyer service list\n"
    "       foyer service rotate ID [--drop-old] [--secret-stdin]\n"
    "       foyer service disable ID\n"
    "       foyer service enable ID\n\n"
    "A service authenticates with its secret: a gateway signs its requests to the auth service\n"
    "with it, and other programs get tokens for each other at POST /oauth2/token.\n"
    "The auth service registers its own SERVICE_ID when it starts. A generated secret is\n"
    "shown once and not stored in readable form.\n\n"
    "  --may-call ID,…   the services that it may call; the auth service's SERVICE_ID gives access to /internal/*,\n"
    "                    foyer:api to the server API, with the rights of `foyer api-key add --for-service ID`\n"
    "  --secret-stdin    read the secret from the first line of standard input, at least 32 characters\n"
    "  --drop-old        rotate: the old secret stops working at once. Without it, the old secret\n"
    "                    works until the next rotation, so that nothing is interrupted. For a\n"
    "                    service with two secrets: only removes the old one\n"
    "  --json            print the result as JSON\n"
    "  --data DIR        the data directory; default as for `foyer serve` (FOYER_DATA, ./data)\n"
    "  --config FILE     a configuration file that names the data directory\n\n"
    "Examples:\n"
    "  foyer service add gateway-2 --may-call auth\n"
    "  openssl rand -base64 48 | foyer service add billing --may-call ledger,mail --secret-stdin\n"
    "  foyer service rotate gateway-2              adds a new secret and keeps the old one\n"
    "  foyer service rotate gateway-2 --drop-old   when every program uses the new one\n";

constexpr std::size_t kMaxSecretLine = 8 * 1024;
constexpr std::size_t kMinSecret = 32;
constexpr std::size_t kMaxSecret = 1024;
constexpr std::size_t kMostTargets = 64;

constexpr std::string_view kVerbs[] = {"add", "list", "rotate", "disable", "enable"};
constexpr std::string_view kOptions[] = {
    "--may-call", "--secret-stdin", "--drop-old", "--json", "--dev", "--data", "--config", "--help"};

struct Arguments : CommonArguments {
  std::string verb;
  std::string id;
  std::vector<std::string> may_call;
  bool secret_stdin = false;
  bool drop_old = false;
};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = text.find(',');
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

// The error describes the fault in the arguments.
std::expected<Arguments, std::string> read(Args args) {
  Arguments out;
  const auto take = [&out, args](std::string_view arg, std::size_t& i) -> std::expected<bool, std::string> {
    if (arg == "--secret-stdin") return out.secret_stdin = true;
    if (arg == "--drop-old") return out.drop_old = true;
    const auto value = value_of("--may-call", args, i);
    if (value) out.may_call = split(*value);
    return value.has_value();
  };
  const auto read_words = words_of(args, out, kOptions, false, take);
  if (!read_words) return std::unexpected(read_words.error());
  const auto& words = *read_words;
  if (out.help) return out;
  if (auto wrong = wrong_verb("service", words, kVerbs)) return std::unexpected(std::move(*wrong));
  out.verb = words[0];
  const std::size_t wanted = out.verb == "list" ? 1 : 2;
  if (words.size() != wanted)
    return std::unexpected(wanted == 2 ? "exactly one ID is required" : "this command takes no ID");
  if (wanted == 2) out.id = words[1];
  if (!out.may_call.empty() && out.verb != "add")
    return std::unexpected("--may-call works only with `foyer service add`");
  if (out.drop_old && out.verb != "rotate") return std::unexpected("--drop-old works only with `foyer service rotate`");
  if (out.secret_stdin && out.verb != "add" && out.verb != "rotate")
    return std::unexpected("--secret-stdin works only with `foyer service add` and `foyer service rotate`");
  return out;
}

// Text after the first line is ignored; the line end is not part of the secret.
std::string first_line_of_stdin() {
  std::string line;
  int c = 0;
  while ((c = std::getchar()) != EOF && c != '\n' && line.size() < kMaxSecretLine) line += static_cast<char>(c);
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

struct Secret {
  std::string text;
  bool generated = false;
};

Result<Secret> get_secret(const Arguments& arguments) {
  if (!arguments.secret_stdin) return Secret{.text = system_entropy().token(), .generated = true};
  std::string line = first_line_of_stdin();
  if (line.size() > kMaxSecret)
    return refuse_field(
        Cause::INVALID_VALUE, "--secret-stdin", fmt::format("a secret has at most {} characters", kMaxSecret));
  if (const auto weak = config::weakness(line, kMinSecret))
    return refuse_field(Cause::WEAK_SECRET, "--secret-stdin", "the secret " + *weak);
  if (config::is_placeholder(line, true))
    return refuse_field(Cause::PLACEHOLDER_VALUE, "--secret-stdin", "the secret is example text");
  return Secret{.text = std::move(line), .generated = false};
}

AuditRow audit_of(std::string action, const std::string& detail) {
  AuditRow row = command_audit(std::move(action));
  row.detail = detail + ", by command line";
  return row;
}

struct Job {
  const Arguments& arguments;
  OfflineAccounts& accounts;

  void say(const json::Object& object, const std::string& text) const {
    fmt::print("{}\n", arguments.json ? json::write(object) : text);
  }

  [[nodiscard]] Result<ServiceRow> find() {
    TRY(found, accounts.ask<std::optional<ServiceRow>>([&](AccountStore& s, auto done) {
      s.find_service(arguments.id, std::move(done));
    }));
    if (!found) return refuse(Cause::NOT_FOUND, "there is no service named " + printable(arguments.id, 64));
    return std::move(*found);
  }
  [[nodiscard]] Result<bool> change(ServiceRow row, const std::string& action, const std::string& detail) {
    return accounts.ask<bool>(
        [&](AccountStore& s, auto done) { s.change_service(row, audit_of(action, detail), std::move(done)); });
  }
  [[nodiscard]] accounts::ServiceSecretRow seal(const std::string& secret) const {
    const bool strong = !config::weakness(secret, kMinSecret);
    return accounts::seal_service_secret(
        accounts.seal_key(), arguments.id, secret, strong, system_clock().wall(), system_entropy());
  }
  void show_secret(json::Object object, const Secret& secret, const std::string& text) const {
    if (secret.generated) object["secret"] = secret.text;
    say(object,
        secret.generated ? fmt::format("{}\n"
                                       "Its secret, which is shown only once:\n\n"
                                       "  {}\n",
                               text, secret.text)
                         : text);
  }

  [[nodiscard]] Result<bool> add() {
    TRY_VOID(accounts::check_service_id(arguments.id));
    if (arguments.id == accounts::kApiAudience)
      return refuse_field(Cause::INVALID_VALUE, "id", "foyer:api is the server API, which is not registered");
    if (arguments.may_call.size() > kMostTargets)
      return refuse_field(
          Cause::INVALID_VALUE, "--may-call", fmt::format("a service may call at most {} others", kMostTargets));
    json::Array may_call;
    for (const auto& target : arguments.may_call) {
      TRY_VOID(accounts::check_service_id(target));
      may_call.emplace_back(target);
    }
    TRY(secret, get_secret(arguments));
    ServiceRow row{.id = arguments.id,
        .secrets = {seal(secret.text)},
        .may_call = arguments.may_call,
        .disabled = false,
        .created = system_clock().wall()};
    TRY_VOID(accounts.ask<bool>([&](AccountStore& s, auto done) {
      s.add_service(row, audit_of("service_add", arguments.id), std::move(done));
    }));
    show_secret({{"id", arguments.id}, {"may_call", std::move(may_call)}}, secret,
        fmt::format("{} is registered; it may call {}.", arguments.id,
            arguments.may_call.empty() ? std::string{"nobody"}
                                       : fmt::format("{}", fmt::join(arguments.may_call, ", "))));
    return true;
  }

  [[nodiscard]] Result<bool> list() {
    TRY(rows,
        accounts.ask<std::vector<ServiceRow>>([](AccountStore& s, auto done) { s.list_services(std::move(done)); }));
    std::size_t width = 2;
    for (const auto& row : rows) width = std::max(width, row.id.size());
    json::Array out;
    if (!arguments.json)
      fmt::print("{:<{}}  {:<8}  {:<7}  {:<24}  {}\n", "ID", width, "STATE", "SECRETS", "CREATED", "MAY CALL");
    for (const auto& row : rows) {
      if (!arguments.json) {
        fmt::print("{:<{}}  {:<8}  {:<7}  {:<24}  {}\n", row.id, width, row.disabled ? "disabled" : "active",
            row.secrets.size(), rfc3339(row.created), fmt::format("{}", fmt::join(row.may_call, ", ")));
        continue;
      }
      json::Array may_call;
      for (const auto& target : row.may_call) may_call.emplace_back(target);
      json::Array secrets;
      for (const auto& secret : row.secrets) {
        json::Object one{{"created", rfc3339(secret.created)}};
        if (!secret.fingerprints.empty()) one["fingerprint"] = secret.fingerprints.front().second;
        secrets.emplace_back(std::move(one));
      }
      out.emplace_back(json::Object{{"id", row.id}, {"disabled", row.disabled}, {"may_call", std::move(may_call)},
          {"secrets", std::move(secrets)}, {"created", rfc3339(row.created)}});
    }
    if (arguments.json) fmt::print("{}\n", json::write(out));
    return true;
  }

  [[nodiscard]] Result<bool> rotate() {
    TRY(row, find());
    // Completes a rotation: every program has the new secret.
    if (arguments.drop_old && !arguments.secret_stdin && row.secrets.size() > 1) {
      row.secrets.resize(1);
      TRY_VOID(change(row, "service_rotate", arguments.id + ": old secret ended"));
      say({{"id", row.id}, {"live_secrets", 1}},
          fmt::format("The old secret of {} no longer works; only the new one does.", row.id));
      return true;
    }
    if (arguments.drop_old && !arguments.secret_stdin && row.secrets.size() == 1)
      return refuse_field(Cause::INVALID_VALUE, "--drop-old",
          fmt::format(
              "{0} has only one secret, so there is no old one to drop; `foyer service rotate {0}` adds a new one",
              row.id));
    TRY(secret, get_secret(arguments));
    const bool keeps = !arguments.drop_old && !row.secrets.empty();
    row.secrets.resize(keeps ? 1 : 0);
    row.secrets.insert(row.secrets.begin(), seal(secret.text));
    const auto live = row.secrets.size();
    TRY_VOID(change(row, "service_rotate", arguments.id));
    show_secret({{"id", row.id}, {"live_secrets", live}}, secret,
        keeps ? fmt::format("{0} has a new secret; the previous one also works until the next rotation or `foyer "
                            "service rotate {0} --drop-old`.",
                    row.id)
              : fmt::format("{} has a new secret; no other secret works.", row.id));
    return true;
  }

  [[nodiscard]] Result<bool> set_disabled(bool disabled) {
    TRY(row, find());
    const bool changed = row.disabled != disabled;
    row.disabled = disabled;
    if (changed) TRY_VOID(change(row, disabled ? "service_disable" : "service_enable", row.id));
    say({{"id", row.id}, {"disabled", disabled}, {"changed", changed}},
        fmt::format("{} is {}{}.", row.id, disabled ? "disabled" : "enabled", changed ? "" : ", as before"));
    return true;
  }

  [[nodiscard]] Result<bool> run() {
    if (arguments.verb == "add") return add();
    if (arguments.verb == "list") return list();
    if (arguments.verb == "rotate") return rotate();
    return set_disabled(arguments.verb == "disable");
  }
};

} // namespace

int run_service(Args args) {
  const auto arguments = read(args);
  if (const auto status = settled("service", arguments, kUsage)) return *status;
  const auto loaded = config::load(
      {.args = arguments->options, .environment = config::system_environment(), .read = config::system_files()});
  // Services may be registered before the auth service has ever run.
  auto opened = OfflineAccounts::open(loaded, arguments->verb == "add");
  if (!opened) return refused_command("service", opened.error());
  const auto done = Job{*arguments, **opened}.run();
  return done ? 0 : refused_command("service", done.error());
}

} // namespace foyer::cli

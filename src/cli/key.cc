// `foyer key`: manages the keys that sign access tokens, beside a running server, which reads
// them again every second.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/keys/signing_keys.h"
#include "app/signing_key.h"
#include "base/bytes.h"
#include "base/json.h"
#include "cli/command_line.h"
#include "cli/offline_accounts.h"
#include "cli/token_keys.h"
#include "config/values.h"

namespace foyer::cli {
namespace {

using accounts::AccountStore;
using accounts::KeyState;
using accounts::KeyTimes;
using accounts::SigningKeyRow;

constexpr std::string_view kUsage =
    "Usage: foyer key list\n"
    "       foyer key rotate [--publish-for 5m]\n"
    "       foyer key remove KID [--force]\n\n"
    "Manages the keys that sign access tokens. The first is the configured one\n"
    "(JWT_PRIVATE_KEY_FILE); a rotation adds one to the accounts database, encrypted. A new key is\n"
    "published before it signs, and an old one stays published until its last token has expired, so\n"
    "that no client is refused; then it is removed automatically. A running server picks up changes\n"
    "within a second.\n\n"
    "  --publish-for D  how long the new key is published before it signs; default 5m. With less than\n"
    "                   2m, gateways may not have fetched it when it starts to sign\n"
    "  --force          remove even the key that signs now: its tokens are refused from then on, and the\n"
    "                   previous key signs again\n"
    "  --json           print the result as JSON\n"
    "  --data DIR       the data directory; default as for `foyer serve` (FOYER_DATA, ./data)\n"
    "  --config FILE    a configuration file\n\n"
    "Examples:\n"
    "  foyer key rotate                          a new key signs in five minutes\n"
    "  foyer key rotate --publish-for 0          at once, when the old key may be compromised;\n"
    "  foyer key remove KID                      then refuse everything that it signed\n"
    "  foyer key list --json\n";

constexpr Millis kShortAhead = std::chrono::minutes{2};

constexpr std::string_view kVerbs[] = {"list", "rotate", "remove"};
constexpr std::string_view kOptions[] = {"--publish-for", "--force", "--json", "--dev", "--data", "--config", "--help"};

struct Arguments : CommonArguments {
  std::string verb;
  std::string kid;
  Millis publish_for = accounts::KeyRotationPolicy{}.publish_ahead;
  bool force = false;
};

// The error describes the fault in the arguments.
std::expected<Arguments, std::string> read(Args args) {
  Arguments out;
  const auto take = [&out, args](std::string_view arg, std::size_t& i) -> std::expected<bool, std::string> {
    if (arg == "--force") return out.force = true;
    const auto value = value_of("--publish-for", args, i);
    if (!value) return false;
    const auto duration = config::parse_duration(*value);
    if (!duration || *duration > accounts::kLongestPublishAhead)
      return std::unexpected("--publish-for takes a duration from 0 to 30d, such as 5m");
    out.publish_for = *duration;
    return true;
  };
  const auto read_words = words_of(args, out, kOptions, true, take); // a KID may begin with a hyphen
  if (!read_words) return std::unexpected(read_words.error());
  const auto& words = *read_words;
  if (out.help) return out;
  if (auto wrong = wrong_verb("key", words, kVerbs)) return std::unexpected(std::move(*wrong));
  out.verb = words[0];
  const std::size_t wanted = out.verb == "remove" ? 2 : 1;
  if (words.size() != wanted)
    return std::unexpected(wanted == 2 ? "exactly one KID is required" : "this command takes no KID");
  if (wanted == 2) out.kid = words[1];
  return out;
}

std::string in_words(const KeyTimes& key) {
  switch (key.state) {
    case KeyState::ahead: return "signs from " + rfc3339(*key.active_from);
    case KeyState::signing: return key.retired ? "until " + rfc3339(*key.retired) : std::string{};
    case KeyState::retired: return "published until " + rfc3339(*key.gone);
    case KeyState::over: return "no longer published";
  }
  return {};
}

struct Job {
  const Arguments& arguments;
  const jose::Key& configured;
  const accounts::KeyRotationPolicy& policy;
  OfflineAccounts& accounts;

  [[nodiscard]] Result<std::vector<KeyTimes>> keys() {
    if (configured.symmetric()) return accounts::key_times(configured.kid(), {}, system_clock().wall(), policy);
    TRY(rows, accounts.ask<std::vector<SigningKeyRow>>([](AccountStore& s, auto done) {
      s.list_signing_keys(std::move(done));
    }));
    return accounts::key_times(configured.kid(), std::move(rows), system_clock().wall(), policy);
  }

  [[nodiscard]] Result<bool> list() {
    TRY(all, keys());
    json::Array out;
    for (const auto& key : all) out.push_back(to_json(key));
    if (arguments.json) {
      fmt::print("{}\n", json::write(json::Object{{"keys", std::move(out)}, {"rotates", !configured.symmetric()}}));
      return true;
    }
    fmt::print("{:<43}  {:<8}  {}\n", "KID", "STATE", "");
    for (const auto& key : all)
      fmt::print("{:<43}  {:<8}  {}{}\n", key.kid, accounts::to_string(key.state), in_words(key),
          key.configured ? configured.symmetric() ? "JWT_SECRET_KEY" : " (configured)" : "");
    return true;
  }

  [[nodiscard]] Result<bool> rotate() {
    TRY_VOID(accounts::check_rotation(configured.symmetric(), arguments.publish_for));
    const SigningKeyRow row = accounts::make_signing_key(
        accounts.seal_key(), configured.algorithm(), system_clock().wall(), arguments.publish_for, system_entropy());
    auto audit = command_audit("key_rotate");
    audit.detail = row.kid + ", " + audit.detail;
    TRY_VOID(accounts.ask<bool>([&](AccountStore& s, auto done) { s.add_signing_key(row, audit, std::move(done)); }));
    if (arguments.json)
      fmt::print("{}\n", json::write(json::Object{{"kid", row.kid}, {"active_from", rfc3339(row.active_from)}}));
    else
      fmt::print("{} is published and signs from {}.\n", row.kid, rfc3339(row.active_from));
    if (arguments.publish_for < kShortAhead)
      fmt::print(stderr, "Gateways that do not have the key yet refuse its tokens until they fetch the keys again.\n");
    return true;
  }

  [[nodiscard]] Result<bool> remove() {
    TRY(all, keys());
    const auto key = std::ranges::find(all, arguments.kid, &KeyTimes::kid);
    if (key == all.end()) return refuse(Cause::NOT_FOUND, "there is no key " + printable(arguments.kid, 64));
    if (key->configured)
      return refuse_field(Cause::INVALID_VALUE, "KID",
          "this is the configured key; replace it in the configuration, with JWT_PRIVATE_KEY_FILE");
    if (key->state == KeyState::signing && !arguments.force)
      return refuse_field(Cause::INVALID_VALUE, "KID", "this key signs now; rotate first, or use --force");
    auto audit = command_audit("key_remove");
    audit.detail = key->kid + ", " + audit.detail;
    TRY_VOID(accounts.ask<bool>(
        [&](AccountStore& s, auto done) { s.remove_signing_key(arguments.kid, audit, std::move(done)); }));
    if (arguments.json)
      fmt::print("{}\n", json::write(json::Object{{"kid", arguments.kid}, {"removed", true}}));
    else
      fmt::print(
          "{} is removed. Tokens that it signed are refused from now on; separate gateways refuse them once they fetch "
          "the keys again, within a minute.\n",
          arguments.kid);
    return true;
  }

  [[nodiscard]] Result<bool> run() {
    return arguments.verb == "list" ? list() : arguments.verb == "rotate" ? rotate() : remove();
  }
};

} // namespace

int run_key(Args args) {
  const auto arguments = read(args);
  if (const auto status = settled("key", arguments, kUsage)) return *status;
  const auto loaded = load_for_tokens(arguments->options);
  const auto key = app::configured_key(loaded.config);
  if (!key) return refused_command("key", key.error());
  auto opened = OfflineAccounts::open(loaded, false);
  if (!opened) return refused_command("key", opened.error());
  const accounts::KeyRotationPolicy policy{
      .longest_token_life = loaded.config.accounts.access_ttl, .leeway = loaded.config.jwt_leeway};
  const auto done = Job{*arguments, *key, policy, **opened}.run();
  return done ? 0 : refused_command("key", done.error());
}

} // namespace foyer::cli

// `foyer api-key`: manages the keys of the server API, also while a server runs, which follows the changes.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/api_key.h"
#include "accounts/clients/services.h"
#include "accounts/session/tokens.h"
#include "base/json.h"
#include "cli/command_line.h"
#include "cli/offline_access.h"
#include "config/load.h"
#include "config/values.h"
#include "rooms/model/api_rights.h"

namespace foyer::cli {
namespace {

using engine::AccessStore;
using engine::ApiKeyList;
using engine::ApiKeyRow;

constexpr std::string_view kUsage =
    "Usage: foyer api-key add NAME --may RIGHT [--may RIGHT …] [--for-service ID]\n"
    "       foyer api-key list\n"
    "       foyer api-key set NAME --may RIGHT [--may RIGHT …]\n"
    "       foyer api-key rotate NAME [--old-ends-in 7d | --drop-old]\n"
    "       foyer api-key disable NAME\n"
    "       foyer api-key enable NAME\n\n"
    "Manages the keys with which your own application calls the server API. A key is shown once, alone\n"
    "on standard output; the server stores only its hash. A running server accepts a new key at once, and\n"
    "follows other changes within a second.\n\n"
    "  --may RIGHT       what the key may do; repeat it for several. ROOM is a room's name in which *\n"
    "                    stands for anything; it reaches private:, direct: and user: rooms only if it\n"
    "                    begins with that prefix\n"
    "                      publish:ROOM   publish into rooms         users:read   who is known and online\n"
    "                      read:ROOM      history and presence       users:write  make known, forget\n"
    "                      rooms:ROOM     create and delete rooms    export       all data about a person\n"
    "                      members:ROOM   add and remove members     connections  list and end connections\n"
    "                      moderate:ROOM  delete messages            endings      block, revoke tokens\n"
    "                      as_user        act for any user\n"
    "                    `set` replaces all rights of a key\n"
    "  --for-service ID  the key belongs to a registered service (`foyer service`): no key is printed, and the\n"
    "                    service sends its tokens for the audience foyer:api instead\n"
    "  --old-ends-in D   rotate: the previous key works for D more, 0 to end it at once. Without it, it\n"
    "                    works until the next rotation or --drop-old\n"
    "  --drop-old        rotate: makes no new key; only ends the previous one now\n"
    "  --json            print the result as JSON\n"
    "  --data DIR        the data directory; default as for `foyer serve` (FOYER_DATA, ./data)\n"
    "  --config FILE     a configuration file\n\n"
    "Examples:\n"
    "  foyer api-key add orders --may 'publish:orders-*' --may 'read:*' > orders.key\n"
    "  foyer api-key set orders --may 'publish:orders-*' --may export\n"
    "  foyer api-key add billing --for-service billing --may 'publish:bills-*'\n"
    "  foyer api-key rotate orders > orders.key      both keys work\n"
    "  foyer api-key rotate orders --drop-old        when every program uses the new one\n"
    "  foyer api-key rotate orders --old-ends-in 0   at once, when the old key may be known to others\n"
    "  foyer api-key disable orders\n"
    "  foyer api-key list --json\n";

constexpr Millis kLongestOverlap = std::chrono::days{365};

constexpr std::string_view kVerbs[] = {"add", "list", "set", "rotate", "disable", "enable"};
constexpr std::string_view kOptions[] = {
    "--may", "--for-service", "--old-ends-in", "--drop-old", "--json", "--dev", "--data", "--config", "--help"};

struct Arguments : CommonArguments {
  std::string verb;
  std::string name;
  std::vector<std::string> may;
  std::optional<std::string> service;
  std::optional<Millis> old_ends_in;
  bool drop_old = false;
};

std::optional<std::string> fault_of(const Arguments& arguments) {
  const bool gives_rights = arguments.verb == "add" || arguments.verb == "set";
  if (!arguments.may.empty() && !gives_rights)
    return "--may works only with `foyer api-key add` and `foyer api-key set`";
  if (arguments.service && arguments.verb != "add") return "--for-service works only with `foyer api-key add`";
  if (arguments.may.empty() && gives_rights)
    return "a key without rights can do nothing; give it some with --may, for example --may 'publish:orders-*'";
  if (arguments.old_ends_in && arguments.verb != "rotate")
    return "--old-ends-in works only with `foyer api-key rotate`";
  if (arguments.drop_old && arguments.verb != "rotate") return "--drop-old works only with `foyer api-key rotate`";
  if (arguments.drop_old && arguments.old_ends_in) return "--drop-old ends the previous key now; omit --old-ends-in";
  return std::nullopt;
}

// The error describes the fault in the arguments.
std::expected<Arguments, std::string> read(Args args) {
  Arguments out;
  const auto take = [&out, args](std::string_view arg, std::size_t& i) -> std::expected<bool, std::string> {
    if (arg == "--drop-old") return out.drop_old = true;
    if (auto right = value_of("--may", args, i)) {
      out.may.push_back(std::move(*right));
      return true;
    }
    if (auto service = value_of("--for-service", args, i)) {
      out.service = std::move(*service);
      return true;
    }
    const auto value = value_of("--old-ends-in", args, i);
    if (!value) return false;
    const auto duration = config::parse_duration(*value);
    if (!duration || *duration > kLongestOverlap)
      return std::unexpected("--old-ends-in takes a duration from 0 to 365d, such as 7d");
    out.old_ends_in = *duration;
    return true;
  };
  const auto read_words = words_of(args, out, kOptions, false, take);
  if (!read_words) return std::unexpected(read_words.error());
  const auto& words = *read_words;
  if (out.help) return out;
  if (auto wrong = wrong_verb("api-key", words, kVerbs)) return std::unexpected(std::move(*wrong));
  out.verb = words[0];
  const std::size_t wanted = out.verb == "list" ? 1 : 2;
  if (words.size() != wanted)
    return std::unexpected(wanted == 2 ? "exactly one NAME is required" : "this command takes no NAME");
  if (wanted == 2) out.name = words[1];
  if (auto fault = fault_of(out)) return std::unexpected(std::move(*fault));
  return out;
}

json::Array strings(const std::vector<std::string>& words) {
  json::Array out;
  for (const auto& word : words) out.emplace_back(word);
  return out;
}

json::Value text_or_null(const std::string& text) { return text.empty() ? json::Value(nullptr) : json::Value(text); }

json::Value time_or_null(const std::optional<WallTime>& time) {
  return time ? json::Value(rfc3339(*time)) : json::Value(nullptr);
}

std::size_t live_secrets(const ApiKeyRow& key) {
  const WallTime now = system_clock().wall();
  return static_cast<std::size_t>(
      std::ranges::count_if(key.secrets, [now](const auto& secret) { return !secret.ends || now < *secret.ends; }));
}

struct Job {
  const Arguments& arguments;
  OfflineAccess& access;

  // A new key goes to standard output alone, so that it can be redirected into a file.
  void show_key(json::Object object, const std::string& key, const std::string& text) const {
    object["key"] = key;
    fmt::print("{}\n", arguments.json ? json::write(object) : key);
    std::fflush(stdout);
    if (!arguments.json) fmt::print(stderr, "{}\n", text);
  }
  void say(const json::Object& object, const std::string& text) const {
    fmt::print("{}\n", arguments.json ? json::write(object) : text);
  }

  [[nodiscard]] Result<std::vector<std::string>> rights() const {
    auto rights = rooms::ApiRights::parse(arguments.may);
    if (!rights) return refuse_field(rights.error().cause, "--may", std::move(rights).error().evidence);
    return rights->words();
  }

  // A key without a secret: the service proves by its tokens who it is.
  [[nodiscard]] Result<bool> add_for_service(std::vector<std::string> may) {
    const std::string& service = *arguments.service;
    if (const auto valid = accounts::check_service_id(service); !valid)
      return refuse_field(Cause::INVALID_VALUE, "--for-service", valid.error().evidence);
    const ApiKeyRow row{.id = system_entropy().short_id(),
        .name = arguments.name,
        .rights = std::move(may),
        .secrets = {},
        .created = system_clock().wall(),
        .service = service};
    TRY_VOID(access.ask<bool>([&](AccessStore& s, auto done) { s.add_api_key(row, std::move(done)); }));
    say({{"id", row.id}, {"name", row.name}, {"rights", strings(row.rights)}, {"service", service}},
        fmt::format(
            "The service {0} may: {1}. It gets tokens for this with `audience={2}` at /oauth2/token; it must be\n"
            "registered with --may-call {2} (`foyer service`).",
            service, fmt::join(row.rights, ", "), accounts::kApiAudience));
    return true;
  }

  [[nodiscard]] Result<bool> add() {
    TRY_VOID(access::check_api_key_name(arguments.name));
    TRY(may, rights());
    if (arguments.service) return add_for_service(std::move(may));
    const std::string key = access::make_api_key(system_entropy());
    const WallTime now = system_clock().wall();
    const ApiKeyRow row{.id = system_entropy().short_id(),
        .name = arguments.name,
        .rights = std::move(may),
        .secrets = {{.hash = access::hash_of_api_key(key), .created = now}},
        .created = now};
    TRY_VOID(access.ask<bool>([&](AccessStore& s, auto done) { s.add_api_key(row, std::move(done)); }));
    show_key({{"id", row.id}, {"name", row.name}, {"rights", strings(row.rights)}}, key,
        fmt::format("This is the key {}. It is shown only once. It may: {}.", row.name, fmt::join(row.rights, ", ")));
    return true;
  }

  [[nodiscard]] Result<bool> list() {
    TRY(found, access.ask<std::optional<ApiKeyList>>([](AccessStore& s, auto done) {
      s.api_keys_since("", std::move(done));
    }));
    const std::vector<ApiKeyRow> keys = found ? std::move(found->keys) : std::vector<ApiKeyRow>{};
    if (arguments.json) {
      json::Array out;
      for (const auto& key : keys) {
        json::Array secrets;
        for (const auto& secret : key.secrets)
          secrets.emplace_back(json::Object{{"created", rfc3339(secret.created)}, {"ends", time_or_null(secret.ends)}});
        out.emplace_back(json::Object{{"id", key.id}, {"name", key.name}, {"rights", strings(key.rights)},
            {"service", text_or_null(key.service)}, {"disabled", key.disabled.has_value()},
            {"secrets", std::move(secrets)}, {"created", rfc3339(key.created)}, {"used", time_or_null(key.used)}});
      }
      fmt::print("{}\n", json::write(out));
      return true;
    }
    std::size_t width = 4;
    for (const auto& key : keys) width = std::max(width, key.name.size());
    fmt::print(
        "{:<{}}  {:<8}  {:<4}  {:<24}  {:<24}  {}\n", "NAME", width, "STATE", "LIVE", "CREATED", "LAST USED", "MAY");
    for (const auto& key : keys)
      fmt::print("{:<{}}  {:<8}  {:<4}  {:<24}  {:<24}  {}\n", key.name, width, key.disabled ? "disabled" : "active",
          live_secrets(key), rfc3339(key.created), key.used ? rfc3339(*key.used) : "never",
          fmt::format("{}{}", fmt::join(key.rights, " "),
              key.service.empty() ? std::string{} : " (tokens of the service " + key.service + ")"));
    return true;
  }

  [[nodiscard]] Result<ApiKeyRow> find() {
    TRY(found, access.ask<std::optional<ApiKeyList>>([](AccessStore& s, auto done) {
      s.api_keys_since("", std::move(done));
    }));
    if (found)
      for (auto& key : found->keys)
        if (key.name == arguments.name) return std::move(key);
    return refuse(Cause::NOT_FOUND, "there is no API key named " + printable(arguments.name, 64));
  }

  [[nodiscard]] Result<bool> set() {
    TRY(may, rights());
    TRY(row, access.ask<ApiKeyRow>([&](AccessStore& s, auto done) {
      s.set_api_key_rights(arguments.name, may, std::move(done));
    }));
    say({{"id", row.id}, {"name", row.name}, {"rights", strings(row.rights)}},
        fmt::format("{} may now: {}.", row.name, fmt::join(row.rights, ", ")));
    return true;
  }

  [[nodiscard]] Result<bool> drop_old() {
    TRY(before, find());
    if (before.secrets.size() < 2)
      return refuse_field(Cause::INVALID_VALUE, "--drop-old",
          fmt::format("{0} has only one key, so there is no previous one; `foyer api-key rotate {0}` adds a new one",
              before.name));
    TRY_VOID(access.ask<ApiKeyRow>(
        [&](AccessStore& s, auto done) { s.drop_old_api_secrets(arguments.name, std::move(done)); }));
    say({{"name", before.name}, {"live_secrets", 1}},
        fmt::format("The previous key of {} no longer works; only the new one does.", before.name));
    return true;
  }

  [[nodiscard]] Result<bool> rotate() {
    TRY(key_now, find());
    if (!key_now.service.empty())
      return refuse_field(Cause::INVALID_VALUE, "NAME",
          fmt::format("{} has no key of its own: it belongs to the service {}; `foyer service rotate` rotates the "
                      "secret of the service",
              key_now.name, key_now.service));
    if (arguments.drop_old) return drop_old();
    const std::string key = access::make_api_key(system_entropy());
    const WallTime now = system_clock().wall();
    const engine::ApiSecret fresh{.hash = access::hash_of_api_key(key), .created = now};
    const auto ends = arguments.old_ends_in ? std::optional(now + *arguments.old_ends_in) : std::nullopt;
    TRY(row, access.ask<ApiKeyRow>([&](AccessStore& s, auto done) {
      s.rotate_api_key(arguments.name, fresh, ends, std::move(done));
    }));
    const std::string until = ends
        ? "until " + rfc3339(*ends)
        : fmt::format("until the next rotation or `foyer api-key rotate {} --drop-old`", row.name);
    show_key({{"id", row.id}, {"name", row.name}, {"old_ends", time_or_null(ends)}}, key,
        fmt::format("This is the new key {}. It is shown only once. {}", row.name,
            ends && *ends <= now ? std::string("No other key of that name works.")
                                 : fmt::format("The previous key works {}.", until)));
    return true;
  }

  [[nodiscard]] Result<bool> set_disabled(bool disabled) {
    const auto since = disabled ? std::optional(system_clock().wall()) : std::nullopt;
    TRY(changed, access.ask<bool>([&](AccessStore& s, auto done) {
      s.disable_api_key(arguments.name, since, std::move(done));
    }));
    say({{"name", arguments.name}, {"disabled", disabled}, {"changed", changed}},
        fmt::format("{} is {}{}.", arguments.name, disabled ? "disabled" : "enabled", changed ? "" : ", as before"));
    return true;
  }

  [[nodiscard]] Result<bool> run() {
    if (arguments.verb == "add") return add();
    if (arguments.verb == "list") return list();
    if (arguments.verb == "set") return set();
    if (arguments.verb == "rotate") return rotate();
    return set_disabled(arguments.verb == "disable");
  }
};

} // namespace

int run_api_key(Args args) {
  const auto arguments = read(args);
  if (const auto status = settled("api-key", arguments, kUsage)) return *status;
  const auto loaded = config::load(
      {.args = arguments->options, .environment = config::system_environment(), .read = config::system_files()});
  // Keys may be made before the server has ever run.
  auto opened = OfflineAccess::open(loaded, arguments->verb == "add");
  if (!opened) return refused_command("api-key", opened.error());
  const auto done = Job{*arguments, **opened}.run();
  return done ? 0 : refused_command("api-key", done.error());
}

} // namespace foyer::cli

// `foyer webhook`: manages webhooks, also while a server runs, which follows the changes within a second.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "cli/command_line.h"
#include "cli/offline_hooks.h"
#include "client/outgoing.h"
#include "client/signature.h"
#include "config/load.h"

namespace foyer::cli {
namespace {

using engine::DeadLetter;
using engine::HookList;
using engine::HookRow;
using engine::Hooks;

constexpr std::string_view kUsage =
    "Usage: foyer webhook add URL --type TYPE [--type TYPE …] [--room PATTERN …]\n"
    "       foyer webhook list\n"
    "       foyer webhook test ID\n"
    "       foyer webhook dead [ID]\n"
    "       foyer webhook replay ID (EVENT-ID … | --all)\n"
    "       foyer webhook rotate ID [--drop-old]\n"
    "       foyer webhook disable ID\n"
    "       foyer webhook enable ID\n"
    "       foyer webhook remove ID\n\n"
    "Manages the URLs to which the server posts what happens, signed as https://www.standardwebhooks.com\n"
    "specifies. A secret is shown once, alone on standard output. A running server follows a change\n"
    "within a second. docs/webhooks.md describes the events and how to verify them.\n\n"
    "  --type TYPE       message.published  message.deleted  room.created   room.deleted  member.added\n"
    "                    member.removed     room.occupied    room.vacated   user.online   user.offline\n"
    "                    session.revoked    user.blocked; repeat it for several, or give `all`\n"
    "  --room PATTERN    only events about rooms whose name matches, * stands for anything; it reaches\n"
    "                    private:, direct: and user: rooms only if it begins with that prefix. Without\n"
    "                    it: every room\n"
    "  --all             replay: all dead letters of the hook\n"
    "  --drop-old        rotate: makes no new secret; the old one no longer signs\n"
    "  --json            print the result as JSON\n"
    "  --data DIR        the data directory; default as for `foyer serve` (FOYER_DATA, ./data)\n"
    "  --config FILE     a configuration file\n\n"
    "Examples:\n"
    "  foyer webhook add https://app.example.com/foyer --type message.published > webhook.secret\n"
    "  foyer webhook test hook_kX3…\n"
    "  foyer webhook rotate hook_kX3… > webhook.secret   both secrets sign\n"
    "  foyer webhook rotate hook_kX3… --drop-old         when the receiver has the new one\n"
    "  foyer webhook replay hook_kX3… --all\n";

constexpr std::size_t kPatternBytes = 200;
constexpr std::size_t kDeadShown = 1'000;

constexpr std::string_view kVerbs[] = {
    "add", "list", "test", "dead", "replay", "rotate", "disable", "enable", "remove"};
constexpr std::string_view kOptions[] = {
    "--type", "--room", "--all", "--drop-old", "--json", "--dev", "--data", "--config", "--help"};

struct Arguments : CommonArguments {
  std::string verb;
  std::string id; // or the URL
  std::vector<std::string> events;
  std::vector<std::string> types, rooms;
  bool all = false;
  bool drop_old = false;
};

std::optional<std::string> fault_of(const Arguments& arguments, std::size_t words) {
  const std::string& verb = arguments.verb;
  if (verb == "list" && words > 1) return "this command takes no ID";
  if (verb == "add" && words != 2) return "exactly one URL is required";
  if (verb == "dead" && words > 2) return "at most one ID";
  if (verb == "replay" && words < 2) return "the ID of a webhook is required";
  if (verb != "list" && verb != "add" && verb != "dead" && verb != "replay" && words != 2)
    return "exactly one ID is required";
  if (!arguments.types.empty() && verb != "add") return "--type works only with `foyer webhook add`";
  if (!arguments.rooms.empty() && verb != "add") return "--room works only with `foyer webhook add`";
  if (arguments.types.empty() && verb == "add")
    return "a webhook without types is told nothing; choose some with --type, for example --type message.published";
  if (arguments.drop_old && verb != "rotate") return "--drop-old works only with `foyer webhook rotate`";
  if (arguments.all && verb != "replay") return "--all works only with `foyer webhook replay`";
  if (verb == "replay" && arguments.all == !arguments.events.empty())
    return "name the events to send again, as `foyer webhook dead` lists them, or give --all";
  return std::nullopt;
}

// The error describes the fault in the arguments.
std::expected<Arguments, std::string> read(Args args) {
  Arguments out;
  const auto take = [&out, args](std::string_view arg, std::size_t& i) -> std::expected<bool, std::string> {
    if (arg == "--drop-old") return out.drop_old = true;
    if (arg == "--all") return out.all = true;
    if (auto type = value_of("--type", args, i)) {
      out.types.push_back(std::move(*type));
      return true;
    }
    auto room = value_of("--room", args, i);
    if (room) out.rooms.push_back(std::move(*room));
    return room.has_value();
  };
  const auto read_words = words_of(args, out, kOptions, false, take);
  if (!read_words) return std::unexpected(read_words.error());
  const auto& words = *read_words;
  if (out.help) return out;
  if (auto wrong = wrong_verb("webhook", words, kVerbs)) return std::unexpected(std::move(*wrong));
  out.verb = words[0];
  if (words.size() > 1) out.id = words[1];
  if (out.verb == "replay")
    out.events.assign(words.begin() + std::min<std::ptrdiff_t>(2, std::ssize(words)), words.end());
  if (auto fault = fault_of(out, words.size())) return std::unexpected(std::move(*fault));
  return out;
}

Result<std::vector<std::string>> types_of(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (const std::string& word : words) {
    if (word == "all") return std::vector<std::string>(engine::kHookTypes.begin(), engine::kHookTypes.end());
    if (std::ranges::find(engine::kHookTypes, word) == engine::kHookTypes.end())
      return refuse_field(Cause::INVALID_VALUE, "--type",
          fmt::format("unknown type {}{}", printable(word, 64), did_you_mean(word, engine::kHookTypes)));
    if (std::ranges::find(out, word) == out.end()) out.push_back(word);
  }
  return out;
}

bool in_pattern(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
      std::string_view{"._-:@|~*"}.find(c) != std::string_view::npos;
}

Result<void> check_rooms(const std::vector<std::string>& rooms) {
  if (rooms.size() > engine::kMostRoomPatterns)
    return refuse_field(Cause::INVALID_VALUE, "--room", fmt::format("at most {} patterns", engine::kMostRoomPatterns));
  for (const std::string& room : rooms)
    if (room.empty() || room.size() > kPatternBytes || !std::ranges::all_of(room, in_pattern))
      return refuse_field(Cause::INVALID_VALUE, "--room",
          "\"" + printable(room, 80) +
              "\" is not a pattern of room names: it is empty, too long, or has a character "
              "that no room name has");
  return {};
}

json::Array strings(const std::vector<std::string>& words) {
  json::Array out;
  for (const auto& word : words) out.emplace_back(word);
  return out;
}

struct Job {
  const Arguments& arguments;
  OfflineHooks& hooks;

  void say(const json::Object& object, const std::string& text) const {
    fmt::print("{}\n", arguments.json ? json::write(object) : text);
  }
  // The secret alone on standard output, without a line end unless a person reads it: libraries refuse one.
  void show_secret(json::Object object, const std::string& secret, const std::string& text) const {
    if (arguments.json) {
      object["secret"] = secret;
      fmt::print("{}\n", json::write(object));
      return;
    }
    fmt::print(stderr, "{}\n", text);
    fmt::print("{}{}", secret, ::isatty(STDOUT_FILENO) != 0 ? "\n" : "");
  }
  [[nodiscard]] std::string sealed(const std::string& id, const std::string& secret) const {
    return hooks.seal_key().seal(secret, "hook:" + id, system_entropy());
  }

  [[nodiscard]] Result<bool> add() {
    auto url = client::outgoing(arguments.id, client::UrlSource::operator_);
    if (!url) return std::unexpected(std::move(url).error());
    TRY(types, types_of(arguments.types));
    TRY_VOID(check_rooms(arguments.rooms));
    const std::string id = "hook_" + system_entropy().short_id();
    const std::string secret = client::make_secret(system_entropy());
    const HookRow row{.id = id,
        .url = arguments.id,
        .types = types,
        .rooms = arguments.rooms,
        .secret = sealed(id, secret),
        .created = system_clock().wall()};
    TRY_VOID(hooks.ask<bool>([&](Hooks& h, auto done) { h.add_hook(row, std::move(done)); }));
    show_secret({{"id", id}, {"url", row.url}, {"types", strings(row.types)}, {"rooms", strings(row.rooms)}}, secret,
        fmt::format("The webhook {} is registered. This is its secret, which is shown only once.", id));
    return true;
  }

  [[nodiscard]] Result<std::vector<HookRow>> all() {
    TRY(found, hooks.ask<std::optional<HookList>>([](Hooks& h, auto done) { h.hooks_since("", std::move(done)); }));
    return found ? std::move(found->hooks) : std::vector<HookRow>{};
  }

  [[nodiscard]] Result<bool> list() {
    TRY(rows, all());
    json::Array out;
    for (const HookRow& row : rows) {
      if (!arguments.json) {
        fmt::print("{}  {}  {}\n  types: {}\n  rooms: {}\n", row.id, row.disabled ? "disabled" : "active", row.url,
            fmt::join(row.types, " "), row.rooms.empty() ? "all" : fmt::format("{}", fmt::join(row.rooms, " ")));
        if (!row.why.empty()) fmt::print("  disabled because: {}\n", printable(row.why));
        continue;
      }
      json::Object one{{"id", row.id}, {"url", row.url}, {"types", strings(row.types)}, {"rooms", strings(row.rooms)},
          {"disabled", row.disabled.has_value()}, {"secrets", row.old_secret.empty() ? 1 : 2},
          {"created", rfc3339(row.created)}};
      if (!row.why.empty()) one["why"] = row.why;
      out.emplace_back(std::move(one));
    }
    if (arguments.json) fmt::print("{}\n", json::write(out));
    return true;
  }

  [[nodiscard]] Result<bool> test() {
    TRY(id, hooks.ask<std::string>([&](Hooks& h, auto done) { h.test_hook(arguments.id, std::move(done)); }));
    say({{"hook", arguments.id}, {"id", id}},
        fmt::format("A running server sends the event {} of type hook.test within a second. If it does not arrive, the "
                    "server's log says why (webhook_failing), and later `foyer webhook dead`.",
            id));
    return true;
  }

  [[nodiscard]] Result<bool> dead() {
    json::Array out;
    for (std::uint64_t after = 0;;) {
      TRY(letters, hooks.ask<std::vector<DeadLetter>>([&](Hooks& h, auto done) {
        h.dead_letters(arguments.id, after, kDeadShown, std::move(done));
      }));
      for (const DeadLetter& letter : letters) {
        after = letter.event.number;
        if (!arguments.json)
          fmt::print("{}  {}  {}  {}  {}\n  {} tries: {}\n", letter.event.id, letter.hook, letter.event.type,
              letter.event.room.empty() ? "-" : letter.event.room, rfc3339(letter.event.at), letter.tries,
              printable(letter.why, 512));
        else
          out.emplace_back(json::Object{{"id", letter.event.id}, {"hook", letter.hook}, {"type", letter.event.type},
              {"room", letter.event.room}, {"timestamp", rfc3339(letter.event.at)}, {"tries", letter.tries},
              {"why", letter.why}, {"since", rfc3339(letter.since)}});
      }
      if (letters.size() < kDeadShown) break;
    }
    if (arguments.json) fmt::print("{}\n", json::write(out));
    return true;
  }

  [[nodiscard]] Result<bool> replay() {
    TRY(asked, hooks.ask<std::uint64_t>([&](Hooks& h, auto done) {
      h.replay(arguments.id, arguments.events, std::move(done));
    }));
    say({{"hook", arguments.id}, {"events", asked}},
        fmt::format("{} events are sent again, under their ids, by the running server or at its next start.", asked));
    return true;
  }

  [[nodiscard]] Result<bool> rotate() {
    const std::string secret = arguments.drop_old ? "" : client::make_secret(system_entropy());
    TRY_VOID(hooks.ask<bool>([&](Hooks& h, auto done) {
      h.rotate_hook(arguments.id, arguments.drop_old ? "" : sealed(arguments.id, secret), std::move(done));
    }));
    if (arguments.drop_old)
      say({{"id", arguments.id}, {"secrets", 1}},
          fmt::format("The old secret of {} no longer signs; only the new one does.", arguments.id));
    else
      show_secret({{"id", arguments.id}, {"secrets", 2}}, secret,
          fmt::format(
              "This is the new secret of {0}. It is shown only once. The previous one also signs, until the next "
              "rotation or `foyer webhook rotate {0} --drop-old`.",
              arguments.id));
    return true;
  }

  [[nodiscard]] Result<bool> set_disabled(bool disabled) {
    const auto since = disabled ? std::optional(system_clock().wall()) : std::nullopt;
    TRY(changed, hooks.ask<bool>([&](Hooks& h, auto done) {
      h.disable_hook(arguments.id, since, disabled ? "by command line" : "", std::move(done));
    }));
    say({{"id", arguments.id}, {"disabled", disabled}, {"changed", changed}},
        fmt::format("{} is {}{}.", arguments.id, disabled ? "disabled" : "enabled", changed ? "" : ", as before"));
    return true;
  }

  [[nodiscard]] Result<bool> remove() {
    TRY_VOID(hooks.ask<bool>([&](Hooks& h, auto done) { h.remove_hook(arguments.id, std::move(done)); }));
    say({{"id", arguments.id}, {"removed", true}},
        fmt::format("{} is removed, with the events that waited for it.", arguments.id));
    return true;
  }

  [[nodiscard]] Result<bool> run() {
    if (arguments.verb == "add") return add();
    if (arguments.verb == "list") return list();
    if (arguments.verb == "test") return test();
    if (arguments.verb == "dead") return dead();
    if (arguments.verb == "replay") return replay();
    if (arguments.verb == "rotate") return rotate();
    if (arguments.verb == "remove") return remove();
    return set_disabled(arguments.verb == "disable");
  }
};

} // namespace

int run_webhook(Args args) {
  const auto arguments = read(args);
  if (const auto status = settled("webhook", arguments, kUsage)) return *status;
  const auto loaded = config::load(
      {.args = arguments->options, .environment = config::system_environment(), .read = config::system_files()});
  // Hooks may be made before the server has ever run.
  auto opened = OfflineHooks::open(loaded, arguments->verb == "add");
  if (!opened) return refused_command("webhook", opened.error());
  const auto done = Job{*arguments, **opened}.run();
  return done ? 0 : refused_command("webhook", done.error());
}

} // namespace foyer::cli

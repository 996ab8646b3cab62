// `foyer user`: manages accounts from the command line, beside a running server. Changes
// reach it through the revocations that it polls.
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/model/names.h"
#include "accounts/password/passwords.h"
#include "accounts/session/revocations.h"
#include "base/bytes.h"
#include "base/json.h"
#include "cli/command_line.h"
#include "cli/offline_accounts.h"
#include "cli/user_import.h"
#include "config/load.h"
#include "config/values.h"
#include "store/data_dir.h"

namespace foyer::cli {
namespace {

using accounts::AccountStore;
using accounts::UserListing;
using accounts::UserRow;

constexpr std::string_view kUsage =
    "Usage: foyer user add NAME [--admin] [--password-stdin]\n"
    "       foyer user list\n"
    "       foyer user invite [--days N]\n"
    "       foyer user disable NAME\n"
    "       foyer user enable NAME\n"
    "       foyer user password NAME [--password-stdin]\n"
    "       foyer user revoke NAME\n"
    "       foyer user totp-off NAME\n"
    "       foyer user import FILE|-\n\n"
    "Manages the accounts in a data directory, also while a server runs. Disabling a user\n"
    "closes their connections at once. Passwords are prompted for twice, without echo.\n\n"
    "  revoke    signs NAME out everywhere: all sessions end and all tokens issued so far become\n"
    "            invalid. NAME can log in again\n"
    "  totp-off  turns off NAME's second factor, for a user who has lost it and the recovery codes\n"
    "  import    one user per line, as JSON, with a password hash from another program:\n"
    "              "
    "{\"name\":\"ann\",\"hash\":\"$2b$12$…\",\"email\":\"ann@example.org\",\"admin\":false,\"disabled\":false}\n"
    "            name and hash are required. Supported: bcrypt ($2a$ $2b$ $2y$, cost 4 to 14), scrypt\n"
    "            ($scrypt$ln=,r=,p=$…), PBKDF2 ($pbkdf2-sha256$ $pbkdf2-sha512$, Django's pbkdf2_sha256$)\n"
    "            and argon2 up to 256 MiB. Each line is imported, or rejected with its number and a code;\n"
    "            exit status 1 if any was rejected. The hash is upgraded at first login\n\n"
    "  --admin           the user gets the scope admin\n"
    "  --password-stdin  read the password from the first line of standard input\n"
    "  --days N          how long an invitation is valid; default 7, at most 365. Requires registration = invite\n"
    "  --json            print the result as JSON\n"
    "  --data DIR        the data directory; default as for `foyer serve` (FOYER_DATA, ./data)\n"
    "  --config FILE     a configuration file that names the data directory\n";

constexpr std::size_t kMaxPasswordLine = 8 * 1024;
constexpr long kMaxInvitationDays = 365;

constexpr std::string_view kVerbs[] = {
    "add", "list", "invite", "disable", "enable", "password", "revoke", "totp-off", "import"};
constexpr std::string_view kOptions[] = {
    "--admin", "--password-stdin", "--days", "--json", "--dev", "--data", "--config", "--help"};

struct Arguments : CommonArguments {
  std::string verb;
  std::string name; // or the file to import
  bool admin = false;
  bool password_stdin = false;
  long days = 7;
};

bool takes_name(std::string_view verb) {
  return verb == "add" || verb == "disable" || verb == "enable" || verb == "password" || verb == "revoke" ||
      verb == "totp-off";
}

bool read_days(std::string_view text, long& days) {
  if (text.empty() || text.size() > 3 || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }))
    return false;
  days = std::stol(std::string{text});
  return days >= 1 && days <= kMaxInvitationDays;
}

// The error describes the fault in the arguments.
std::expected<Arguments, std::string> read(Args args) {
  Arguments out;
  const auto take = [&out, args](std::string_view arg, std::size_t& i) -> std::expected<bool, std::string> {
    if (arg == "--admin") return out.admin = true;
    if (arg == "--password-stdin") return out.password_stdin = true;
    const auto value = value_of("--days", args, i);
    if (value && !read_days(*value, out.days)) return std::unexpected("--days takes a number from 1 to 365");
    return value.has_value();
  };
  const auto read_words = words_of(args, out, kOptions, false, take);
  if (!read_words) return std::unexpected(read_words.error());
  const auto& words = *read_words;
  if (out.help) return out;
  if (auto wrong = wrong_verb("user", words, kVerbs)) return std::unexpected(std::move(*wrong));
  out.verb = words[0];
  const bool import = out.verb == "import";
  const std::size_t wanted = takes_name(out.verb) || import ? 2 : 1;
  if (words.size() != wanted)
    return std::unexpected(import ? "exactly one FILE is required; - is standard input"
            : wanted == 2         ? "exactly one NAME is required"
                                  : "this command takes no NAME");
  if (wanted == 2) out.name = words[1];
  if (out.admin && out.verb != "add") return std::unexpected("--admin works only with `foyer user add`");
  return out;
}

// Reads a line from the terminal with echo off; echo is restored also when reading fails.
std::optional<std::string> ask_terminal(const char* prompt) {
  termios before{};
  if (tcgetattr(STDIN_FILENO, &before) != 0) return std::nullopt;
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  // Echo is off before the prompt: an early answer is neither shown nor lost.
  tcsetattr(STDIN_FILENO, TCSADRAIN, &silent);
  fmt::print(stderr, "{}", prompt);
  std::fflush(stderr);
  std::string line;
  int c = 0;
  while ((c = std::getchar()) != EOF && c != '\n' && line.size() < kMaxPasswordLine) line += static_cast<char>(c);
  tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
  fmt::print(stderr, "\n");
  if (c == EOF) return std::nullopt;
  return line;
}

// Text after the first line is ignored; the line end is not part of the password.
std::string first_line_of_stdin() {
  std::string line;
  int c = 0;
  while ((c = std::getchar()) != EOF && c != '\n' && line.size() < kMaxPasswordLine) line += static_cast<char>(c);
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

Result<std::string> get_password(const Arguments& arguments) {
  if (arguments.password_stdin) return first_line_of_stdin();
  if (isatty(STDIN_FILENO) == 0)
    return refuse_field(Cause::INVALID_VALUE, "--password-stdin",
        "there is no terminal to prompt for a password, and --password-stdin was not given");
  const auto first = ask_terminal("Password: ");
  if (!first) return refuse(Cause::INVALID_VALUE, "no password was given");
  const auto second = ask_terminal("Repeat the password: ");
  if (first != second) return refuse(Cause::INVALID_VALUE, "the two passwords differ; nothing was changed");
  return *first;
}

// The conditions of an invitation: those of the server running with this data, otherwise
// those of the configuration, if it names its environment.
struct InvitationTerms {
  std::optional<config::Registration> registration = {};
  std::string url = {}; // where users register; empty: unknown
  bool running = false;
};

InvitationTerms invitation_terms(const config::Loaded& loaded) {
  InvitationTerms out;
  if (loaded.environment_given || loaded.given("registration")) out.registration = loaded.config.accounts.registration;
  out.url = loaded.config.public_url;
  const auto data = store::DataDir::existing(loaded.config.data);
  const auto status = data ? data->read_status() : std::unexpected(data.error());
  const auto value = status ? json::parse(*status) : std::unexpected(std::string{});
  if (!value || !value->is_object()) return out;
  const auto registration = json::get_string(value->get_object(), "registration");
  const auto url = json::get_string(value->get_object(), "public_url");
  if (registration) out.registration = config::parse_word<config::Registration>(*registration);
  if (url) out.url = *url;
  out.running = registration.has_value();
  return out;
}

struct Job {
  const Arguments& arguments;
  const config::Loaded& loaded;
  const config::Config& config;
  OfflineAccounts& accounts;

  [[nodiscard]] Result<std::string> hash(const std::string& name) const {
    TRY(password, get_password(arguments));
    TRY_VOID(accounts::check_new_password(password, name, config.accounts.min_password_characters));
    const accounts::HashCost cost{.memory_kib = static_cast<std::uint32_t>(config.argon2_memory / 1024),
        .passes = static_cast<std::uint32_t>(config.accounts.hash_cost.passes),
        .lanes = 1};
    std::string phc = accounts::hash_password(password, cost, system_entropy());
    if (phc.empty()) return refuse(Cause::INTERNAL_ERROR, "argon2 failed: out of memory, or its cost is out of range");
    return phc;
  }
  void say(const json::Object& object, const std::string& text) const {
    fmt::print("{}\n", arguments.json ? json::write(object) : text);
  }

  [[nodiscard]] Result<bool> add() {
    TRY_VOID(accounts::check_name(arguments.name));
    if (accounts.find_user(arguments.name)) return refuse(Cause::NAME_TAKEN, "a user with this name already exists");
    TRY(phc, hash(arguments.name));
    const UserRow user{.id = UserId{"u_" + system_entropy().short_id()},
        .name = arguments.name,
        .email = {},
        .password = std::move(phc),
        .admin = arguments.admin,
        .disabled = false,
        .created = system_clock().wall()};
    TRY_VOID(accounts.ask<bool>([&](AccountStore& s, auto done) {
      s.create_user(user, std::nullopt, std::nullopt, command_audit("user_add", user.id), std::move(done));
    }));
    say({{"id", user.id.view()}, {"name", user.name}, {"admin", user.admin}},
        fmt::format("{} can log in now ({}{}).", user.name, user.id.view(), user.admin ? ", admin" : ""));
    return true;
  }

  [[nodiscard]] Result<bool> list() {
    TRY(users,
        accounts.ask<std::vector<UserListing>>([](AccountStore& s, auto done) { s.list_users(std::move(done)); }));
    json::Array out;
    std::size_t width = 4;
    for (const auto& one : users) width = std::max(width, one.user.name.size());
    if (!arguments.json)
      fmt::print("{:<{}}  {:<18}  {:<8}  {:<24}  {}\n", "NAME", width, "ID", "STATE", "CREATED", "LAST SEEN");
    for (const auto& [user, last_seen] : users) {
      const std::string seen = last_seen ? rfc3339(*last_seen) : std::string{};
      if (!arguments.json) {
        fmt::print("{:<{}}  {:<18}  {:<8}  {:<24}  {}\n", user.name, width, user.id.view(),
            user.disabled    ? "disabled"
                : user.admin ? "admin"
                             : "active",
            rfc3339(user.created), seen.empty() ? "never" : seen);
        continue;
      }
      json::Object row{{"id", user.id.view()}, {"name", user.name}, {"admin", user.admin}, {"disabled", user.disabled},
          {"created", rfc3339(user.created)}};
      if (!user.email.empty()) row["email"] = user.email;
      if (!seen.empty()) row["last_seen"] = seen;
      out.push_back(std::move(row));
    }
    if (arguments.json) fmt::print("{}\n", json::write(out));
    return true;
  }

  [[nodiscard]] Result<bool> invite() {
    const auto terms = invitation_terms(loaded);
    if (terms.registration == config::Registration::closed)
      return refuse_field(Cause::REGISTRATION_CLOSED, "registration",
          fmt::format("registration is closed {}, so an invitation could not be used",
              terms.running ? "in the server that runs" : "in this configuration"));
    const std::string code = system_entropy().short_id();
    const WallTime now = system_clock().wall();
    const accounts::InvitationRow invitation{
        .hash = accounts::digest(code), .created = now, .expires = now + std::chrono::days{arguments.days}};
    TRY_VOID(accounts.ask<bool>([&](AccountStore& s, auto done) {
      s.add_invitation(invitation, command_audit("user_invite"), std::move(done));
    }));
    json::Object out{{"invitation", code}, {"expires_at", rfc3339(invitation.expires)}};
    std::string text = fmt::format("{}\nGood for one account, until {}.", code, rfc3339(invitation.expires));
    if (!terms.url.empty()) {
      const std::string link = fmt::format("{}/#invitation={}", terms.url, code);
      out["link"] = link;
      text += "\n" + link;
    }
    if (terms.registration == config::Registration::open)
      text +=
          "\n"
          "Registration is open here, so no invitation is needed.";
    if (!terms.registration)
      text +=
          "\n"
          "No server is running here; the invitation works once one runs with registration = invite.";
    say(out, text);
    return true;
  }

  [[nodiscard]] Result<bool> set_disabled(bool disabled) {
    TRY(user, accounts.find_user(arguments.name));
    TRY(changed, accounts.ask<bool>([&](AccountStore& s, auto done) {
      s.set_disabled(
          user.id, disabled, command_audit(disabled ? "user_disable" : "user_enable", user.id), std::move(done));
    }));
    const std::string_view state = disabled ? "disabled" : "enabled";
    say({{"id", user.id.view()}, {"name", user.name}, {"disabled", disabled}, {"changed", changed}},
        fmt::format("{} is {}{}.", user.name, state, changed ? "" : ", as before"));
    return true;
  }

  [[nodiscard]] Result<bool> password() {
    TRY(user, accounts.find_user(arguments.name));
    TRY(phc, hash(user.name));
    TRY_VOID(accounts.ask<bool>([&](AccountStore& s, auto done) {
      s.set_password(user.id, phc, std::nullopt, command_audit("user_password", user.id), std::move(done));
    }));
    say({{"id", user.id.view()}, {"name", user.name}},
        fmt::format("{} has a new password; all sessions of {} have ended.", user.name, user.name));
    return true;
  }

  [[nodiscard]] Result<bool> revoke() {
    TRY(user, accounts.find_user(arguments.name));
    const WallTime until = accounts::all_until(system_clock().wall());
    TRY_VOID(accounts.ask<bool>([&](AccountStore& s, auto done) {
      s.revoke_before(user.id, until, command_audit("user_revoke", user.id), std::move(done));
    }));
    say({{"id", user.id.view()}, {"name", user.name}, {"revoked", true}},
        fmt::format("{} has been signed out everywhere.", user.name));
    return true;
  }

  [[nodiscard]] Result<bool> totp_off() {
    TRY(user, accounts.find_user(arguments.name));
    TRY(removed, accounts.ask<bool>([&](AccountStore& s, auto done) {
      s.remove_second_factor(user.id, command_audit("user_totp_off", user.id), std::move(done));
    }));
    say({{"id", user.id.view()}, {"name", user.name}, {"second_factor", false}, {"changed", removed}},
        fmt::format("{} has no second factor{}.", user.name, removed ? " any more" : ", as before"));
    return true;
  }

  [[nodiscard]] Result<bool> run() {
    if (arguments.verb == "revoke") return revoke();
    if (arguments.verb == "totp-off") return totp_off();
    if (arguments.verb == "add") return add();
    if (arguments.verb == "list") return list();
    if (arguments.verb == "invite") return invite();
    if (arguments.verb == "disable") return set_disabled(true);
    if (arguments.verb == "enable") return set_disabled(false);
    return password();
  }
};

} // namespace

int run_user(Args args) {
  const auto arguments = read(args);
  if (const auto status = settled("user", arguments, kUsage)) return *status;
  const auto loaded = config::load(
      {.args = arguments->options, .environment = config::system_environment(), .read = config::system_files()});
  // The first administrator may be added before the server has ever run.
  auto opened = OfflineAccounts::open(
      loaded, arguments->verb == "add" || arguments->verb == "invite" || arguments->verb == "import");
  if (!opened) return refused_command("user", opened.error());
  if (arguments->verb == "import") {
    const auto imported = import_users(**opened, arguments->name, arguments->json);
    return !imported ? refused_command("user", imported.error()) : *imported ? 0 : 1;
  }
  const auto done = Job{*arguments, loaded, loaded.config, **opened}.run();
  return done ? 0 : refused_command("user", done.error());
}

} // namespace foyer::cli

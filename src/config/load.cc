#include "config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "config/entries.h"
#include "config/hints.h"
#include "config/illegal.h"
#include "config/secrets.h"
#include "config/toml_source.h"
#include "config/values.h"

namespace foyer::config {
namespace {

using Kind = Source::Kind;

constexpr Millis kMaxAgeWithOthers{60'000}; // revocation_max_age

// A value before it is parsed.
struct Raw {
  std::string text;
  Source source;
  std::vector<EntryText> entries = {}; // of a list of tables in TOML; elsewhere the text is JSON
};

// Variables that Kubernetes sets in every pod for a service named foyer; not our options.
bool injected_by_kubernetes(std::string_view name, std::string_view value) {
  if (name == "FOYER_SERVICE_HOST" || name == "FOYER_SERVICE_PORT" || name.starts_with("FOYER_SERVICE_PORT_"))
    return true;
  const bool link = value.starts_with("tcp://") || value.starts_with("udp://") || value.starts_with("sctp://");
  if (name == "FOYER_PORT") return link;
  if (!name.starts_with("FOYER_PORT_")) return false;
  name.remove_prefix(11);
  const auto digits = std::min(name.find_first_not_of("0123456789"), name.size());
  return digits > 0 &&
      (name.substr(digits).starts_with("_TCP") || name.substr(digits).starts_with("_UDP") ||
          name.substr(digits).starts_with("_SCTP"));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c == '-' ? '_' : c;
  return out;
}

// The option whose name is nearest to a mistyped one, if any is near: a third of the
// letters may differ, or two, but never more than half of them.
const Option* nearest_option(std::string_view name) {
  const std::string wanted = lower(name.substr(0, 64));
  const Option* best = nullptr;
  std::size_t least = std::min(std::max<std::size_t>(2, wanted.size() / 3), wanted.size() / 2) + 1;
  for (const auto& option : all_options()) {
    const std::size_t distance = edit_distance(wanted, option.name);
    if (distance >= least) continue;
    least = distance;
    best = &option;
  }
  return best;
}

// Whether TOML writes its value without quotes.
bool is_bare(const Option& option) { return is_flag(option) || (is_number(option) && option.rule != Rule::bytes); }

// The option as written in its source, so that users find it there.
std::string spelled(const Option& option, const Source& source) {
  switch (source.kind) {
    case Kind::command_line: return "--" + kebab(option.name);
    case Kind::toml: return std::string(option.name);
    default: return env_name(option);
  }
}

// The intended value, as written in its source; empty: unknown.
std::string fix_of(const Option& option, const Source& source, const Hint& hint) {
  if (hint.meant.empty()) return {};
  const std::string name = spelled(option, source);
  switch (source.kind) {
    case Kind::command_line: return fmt::format("Write {} {}", name, hint.meant);
    case Kind::value_file: return fmt::format("Write {} to the file.", hint.meant);
    case Kind::toml:
      return fmt::format("Write {} = {}", name, is_bare(option) ? hint.meant : fmt::format("\"{}\"", hint.meant));
    default: return fmt::format("Write {}={}", name, hint.meant);
  }
}

class Loader {
 public:
  explicit Loader(const Inputs& inputs) : inputs_(inputs) {}

  Loaded run() {
    read_command_line();
    read_environment();
    read_toml_file();
    const bool known = settle_environment();
    loaded_.environment_given = known;
    for (const auto& option : all_options())
      if (option.name != "environment") settle(option);
    settle_identity();
    settle_nodes();
    for (const auto name : mistyped_)
      if (!loaded_.given(name) && !loaded_.is_broken(name)) loaded_.broken.emplace_back(name);
    return std::move(loaded_);
  }

 private:
  void report(Cause code, std::string_view option, std::string env, std::string source, std::string message,
      std::string fix = {}) {
    if (fix.empty()) fix = std::string(info(code).next);
    loaded_.findings.push_back({code, Severity::error, std::string(option), std::move(env), std::move(source),
        std::move(message), std::move(fix)});
  }
  void report(Cause code, const Option& option, const Source& source, std::string message, std::string fix = {}) {
    report(code, option.name, env_name(option), source.text, std::move(message), std::move(fix));
  }

  void unknown(std::string written, std::string_view bare, std::string source,
      const std::function<std::string(const Option&)>& spell) {
    std::string message = fmt::format("Unknown option {}.", printable(written, 80));
    std::string fix = "Remove it, or correct its name; docs/configuration.md lists all options.";
    if (const auto* near = nearest_option(bare)) {
      message += fmt::format(" The nearest is {}.", spell(*near));
      mistyped_.insert(near->name);
      fix = fmt::format("Write {}, or remove it.", spell(*near));
    }
    report(Cause::UNKNOWN_OPTION, "", "", std::move(source), std::move(message), std::move(fix));
  }

  void read_command_line() {
    const auto& args = inputs_.args;
    const Source source{Kind::command_line, "command line"};
    for (std::size_t i = 0; i < args.size(); ++i) {
      const std::string& arg = args[i];
      if (!arg.starts_with("--") || arg.size() == 2) {
        report(Cause::UNKNOWN_OPTION, "", "", source.text, fmt::format("Argument {} is not an option.", i + 1),
            "Write options as --name value or --name=value.");
        continue;
      }
      const auto equals = arg.find('=');
      const std::string name = arg.substr(2, equals == std::string::npos ? equals : equals - 2);
      std::optional<std::string> value;
      if (equals != std::string::npos) value = arg.substr(equals + 1);
      if (name == "dev") {
        if (value)
          report(Cause::INVALID_VALUE, "environment", "ENVIRONMENT", source.text, "--dev takes no value.",
              "Write --dev alone, or --environment NAME.");
        given_["environment"][Kind::command_line] = {"development", {Kind::command_line, "command line --dev"}};
        continue;
      }
      const bool config_file = name == "config";
      const std::string snake = name.find('_') == std::string::npos ? lower(name) : std::string{};
      const Option* option = config_file ? nullptr : find_option(snake);
      if (!config_file && option == nullptr) {
        unknown("--" + name, name, source.text, [](const Option& o) { return "--" + kebab(o.name); });
        if (!value && i + 1 < args.size() && !args[i + 1].starts_with("--")) ++i;
        continue;
      }
      if (!value && option != nullptr && is_flag(*option)) {
        const bool word_follows = i + 1 < args.size() && (args[i + 1] == "true" || args[i + 1] == "false");
        value = word_follows ? args[++i] : "true";
      } else if (!value) {
        if (i + 1 >= args.size() || args[i + 1].starts_with("--")) {
          report(Cause::INVALID_VALUE, config_file ? "" : option->name,
              config_file ? "FOYER_CONFIG" : env_name(*option), source.text, fmt::format("--{} needs a value.", name),
              fmt::format("Write --{} VALUE.", name));
          continue;
        }
        value = args[++i];
      }
      if (config_file)
        loaded_.config_file = *value;
      else
        given_[option->name][Kind::command_line] = {
            *value, {Kind::command_line, fmt::format("command line --{}", name)}};
    }
  }

  void read_environment() {
    const auto& variables = inputs_.environment;
    for (const auto& option : all_options()) {
      const std::string prefixed = prefixed_env_name(option.name);
      take_pair(option, option.plain ? prefixed.substr(6) : "", prefixed, Kind::environment);
      if (!option.path)
        take_pair(option, option.plain ? prefixed.substr(6) + "_FILE" : "", prefixed + "_FILE", Kind::value_file);
      auto& raws = given_[option.name];
      if (raws.contains(Kind::environment) && raws.contains(Kind::value_file)) {
        report(Cause::CONFLICTING_SOURCES, option, raws[Kind::environment].source,
            fmt::format("{} is set both as {} and as {}.", option.name, raws[Kind::environment].source.text,
                raws[Kind::value_file].source.text));
      }
    }
    for (const auto& [name, value] : variables) {
      if (!name.starts_with("FOYER_") || used_.contains(name) || injected_by_kubernetes(name, value)) continue;
      if (name == "FOYER_CONFIG") {
        if (loaded_.config_file.empty()) loaded_.config_file = value;
        continue;
      }
      unknown(name, std::string_view(name).substr(6), "environment " + printable(name, 80),
          [](const Option& o) { return env_name(o); });
    }
  }

  // The variable without and with prefix. An empty variable counts as not set.
  void take_pair(const Option& option, const std::string& plain, const std::string& prefixed, Kind kind) {
    const std::string* chosen_name = nullptr;
    const std::string* chosen = nullptr;
    for (const auto* name : {&plain, &prefixed}) {
      if (name->empty()) continue;
      const auto found = inputs_.environment.find(*name);
      if (found == inputs_.environment.end()) continue;
      // JWT_PRIVATE_KEY_FILE is an option of its own, not the twin of another.
      if (kind == Kind::value_file &&
          find_option(lower(std::string_view(*name).substr(name->starts_with("FOYER_") ? 6 : 0))) != nullptr)
        continue;
      if (name->starts_with("FOYER_")) used_.insert(*name);
      if (found->second.empty()) continue;
      if (chosen != nullptr && *chosen != found->second) {
        report(Cause::CONFLICTING_SOURCES, option.name, env_name(option),
            fmt::format("environment {} and {}", *chosen_name, *name),
            fmt::format("{} and {} are both set and differ.", *chosen_name, *name),
            fmt::format("Remove {} or {}.", *chosen_name, *name));
        continue;
      }
      if (chosen == nullptr) {
        chosen_name = name;
        chosen = &found->second;
      }
    }
    if (chosen == nullptr) return;
    if (kind == Kind::environment)
      given_[option.name][kind] = {*chosen, {kind, "environment " + *chosen_name}};
    else
      read_value_file(option, *chosen, *chosen_name);
  }

  void read_value_file(const Option& option, const std::string& path, const std::string& variable) {
    const Source source{Kind::value_file, fmt::format("file {} ({})", printable(path), variable)};
    const auto file = inputs_.read(path);
    if (!file) {
      report(Cause::FILE_UNREADABLE, option.name, variable, source.text,
          fmt::format("The file that {} names {}.", variable, file.error()));
      loaded_.broken.emplace_back(option.name);
      return;
    }
    if (holds_secret(option, file->bytes))
      if (auto seen = exposure(*file, path)) {
        report(Cause::SECRET_FILE_EXPOSED, option.name, variable, source.text,
            fmt::format(
                "The file that {} names is accessible to all users (mode {:04o}).", variable, file->mode & 07777),
            std::move(seen->fix));
        loaded_.findings.back().severity = seen->severity;
      }
    std::string text{without_line_end(file->bytes)};
    if (text.empty()) {
      report(Cause::FILE_UNREADABLE, option.name, variable, source.text,
          fmt::format("The file that {} names is empty.", variable));
      loaded_.broken.emplace_back(option.name);
      return;
    }
    given_[option.name][Kind::value_file] = {std::move(text), source};
  }

  void read_toml_file() {
    if (loaded_.config_file.empty()) return;
    const std::string shown = printable(loaded_.config_file);
    const auto file = inputs_.read(loaded_.config_file);
    if (!file) {
      report(
          Cause::FILE_UNREADABLE, "", "FOYER_CONFIG", shown, fmt::format("The configuration file {}.", file.error()));
      loaded_.config_file_lost = true;
      return;
    }
    const auto items = read_toml(file->bytes);
    if (!items) {
      const auto& e = items.error();
      report(Cause::INVALID_VALUE, "", "FOYER_CONFIG", fmt::format("{} line {} column {}", shown, e.line, e.column),
          fmt::format("The file is not valid TOML: {}.", e.message), "Correct the named line.");
      loaded_.config_file_lost = true;
      return;
    }
    bool exposing = false;
    for (const auto& item : *items) {
      const Source source{Kind::toml, fmt::format("{} line {} column {}", shown, item.line, item.column)};
      const Option* option = find_option(item.key);
      if (const auto* list = list_of_tables(item.key.substr(0, item.key.find('.')))) {
        if (item.entries) exposing = exposing || holds_secret(*std::get<Entries>(list->slot), *item.entries);
        take_tables(*list, item, source, shown);
        continue;
      }
      if (option == nullptr) {
        const auto dot = item.key.rfind('.');
        const std::string_view bare =
            dot == std::string::npos ? std::string_view(item.key) : std::string_view(item.key).substr(dot + 1);
        unknown(item.key, bare, source.text, [](const Option& o) { return std::string(o.name); });
        continue;
      }
      exposing = exposing || option->secret || (item.text && holds_secret(*option, *item.text));
      if (!item.text) {
        report(Cause::INVALID_VALUE, *option, source, fmt::format("{} takes {}.", option->name, rule_text(*option)),
            fmt::format("Write {} = \"VALUE\", with the value in quotes.", option->name));
        loaded_.broken.emplace_back(option->name);
        continue;
      }
      given_[option->name][Kind::toml] = {*item.text, source};
    }
    auto seen = exposing ? exposure(*file, loaded_.config_file) : std::nullopt;
    if (!seen) return;
    report(Cause::SECRET_FILE_EXPOSED, "", "FOYER_CONFIG", shown,
        fmt::format("The configuration file contains a secret and is accessible to all users (mode {:04o}).",
            file->mode & 07777),
        std::move(seen->fix));
    loaded_.findings.back().severity = seen->severity;
  }

  static const Option* list_of_tables(std::string_view name) {
    const Option* option = find_option(name);
    return option != nullptr && std::holds_alternative<Entries>(option->slot) ? option : nullptr;
  }

  void take_tables(const Option& option, const TomlItem& item, const Source& source, std::string_view file) {
    const bool empty_list = item.text && item.text->empty() && item.key == option.name; // issuer = []
    if (!item.entries && !empty_list) {
      if (loaded_.is_broken(option.name)) return; // [issuer] has a finding for its first key only
      report(Cause::INVALID_VALUE, option, source, fmt::format("{} is a list of tables.", option.name),
          fmt::format("Write [[{}]], with two brackets, above the keys of each.", option.name));
      loaded_.broken.emplace_back(option.name);
      return;
    }
    Raw raw{.text = {}, .source = source};
    if (item.entries) raw.entries = entries_in(*item.entries, file);
    given_[option.name][Kind::toml] = std::move(raw);
  }

  const Raw* winner(std::string_view option) {
    auto& raws = given_[option];
    for (const Kind kind : {Kind::command_line, Kind::environment, Kind::value_file, Kind::toml})
      if (const auto found = raws.find(kind); found != raws.end()) return &found->second;
    return nullptr;
  }

  // The environment comes first, because other defaults depend on it.
  bool settle_environment() {
    const Option& option = *find_option("environment");
    const Raw* raw = winner("environment");
    if (raw == nullptr) {
      if (loaded_.is_broken("environment") || loaded_.config_file_lost || mistyped_.contains("environment"))
        return false;
      report(Cause::MISSING_ENVIRONMENT, "environment", "ENVIRONMENT", "not set",
          "ENVIRONMENT is not set; it must be one of development, test, staging, production.");
      return false;
    }
    loaded_.sources["environment"] = raw->source;
    if (auto where = illegal_character(raw->text)) {
      report(Cause::ILLEGAL_CHARACTER, option, raw->source, fmt::format("ENVIRONMENT: {}.", *where));
      loaded_.broken.emplace_back("environment");
      return false;
    }
    Config parsed;
    if (!parse_value(option, raw->text, parsed)) {
      const Hint hint = hint_for(option, raw->text);
      report(Cause::INVALID_ENVIRONMENT, option, raw->source,
          "ENVIRONMENT must be one of development, test, staging, production.", fix_of(option, raw->source, hint));
      loaded_.environment_meant = parse_word<Environment>(hint.meant);
      loaded_.broken.emplace_back("environment");
      return false;
    }
    loaded_.config = defaults_for(parsed.environment);
    return true;
  }

  // What follows from the issuers, unless it was given.
  void settle_identity() {
    Config& config = loaded_.config;
    if (!loaded_.given("identity") && !config.issuers.empty()) config.identity = IdentityMode::both;
    if (config.identity == IdentityMode::external && !loaded_.given("role")) config.role_auth = false;
  }

  // Another node may take a right away, of which this one hears through the database.
  void settle_nodes() {
    if (with_others(loaded_.config) && !loaded_.given("revocation_max_age"))
      loaded_.config.revocations.max_age = kMaxAgeWithOthers;
  }

  void settle(const Option& option) {
    const Raw* raw = winner(option.name);
    if (raw == nullptr) return;
    loaded_.sources[std::string(option.name)] = raw->source;
    if (const auto* kind = std::get_if<Entries>(&option.slot)) return settle_entries(option, **kind, *raw);
    auto where = illegal_character(raw->text);
    if (!where && option.rule == Rule::word) where = illegal_in_word(raw->text);
    if (where) {
      report(
          Cause::ILLEGAL_CHARACTER, option, raw->source, fmt::format("{}: {}.", spelled(option, raw->source), *where));
      loaded_.broken.emplace_back(option.name);
      return;
    }
    if (is_placeholder(raw->text, option.secret)) {
      report(Cause::PLACEHOLDER_VALUE, option, raw->source,
          fmt::format("{} still contains text from an example or a template.", spelled(option, raw->source)));
      loaded_.broken.emplace_back(option.name);
      return;
    }
    if (const auto parsed = parse_value(option, raw->text, loaded_.config); !parsed) {
      const Hint hint = hint_for(option, raw->text);
      const std::string wrong = hint.wrong.empty() ? "" : fmt::format("; {}", hint.wrong);
      report(Cause::INVALID_VALUE, option, raw->source,
          fmt::format("{} takes {}{}.", spelled(option, raw->source), parsed.error(), wrong),
          fix_of(option, raw->source, hint));
      loaded_.broken.emplace_back(option.name);
    }
  }

  void settle_entries(const Option& option, const EntryKind& kind, const Raw& raw) {
    auto texts = raw.source.kind == Kind::toml ? raw.entries : std::vector<EntryText>{};
    std::string wrong;
    if (raw.source.kind != Kind::toml) {
      auto read = entries_in(raw.text, raw.source.text);
      if (read)
        texts = std::move(*read);
      else
        wrong = read.error();
    }
    if (texts.size() > kind.most) wrong = fmt::format("it has {} entries", texts.size());
    if (!wrong.empty()) {
      report(Cause::INVALID_VALUE, option, raw.source,
          fmt::format("{} takes {}; {}.", spelled(option, raw.source), rule_text(option), wrong));
      loaded_.broken.emplace_back(option.name);
      return;
    }
    auto& sources = loaded_.entries[std::string(option.name)];
    for (const auto& text : texts) {
      EntrySource source{.text = text.source, .fields = text.places, .broken = {}};
      auto faults = read_entry(kind, text, loaded_.config);
      for (const auto& fault : faults) source.broken.push_back(fault.field);
      sources.push_back(std::move(source));
      for (auto& fault : faults) {
        loaded_.findings.push_back(finding_about_entry(loaded_, fault.code, option, sources.size() - 1, fault.field,
            std::move(fault.message), std::move(fault.fix)));
      }
    }
  }

  const Inputs& inputs_;
  Loaded loaded_;
  std::map<std::string_view, std::map<Kind, Raw>> given_; // by the names of the table
  std::set<std::string_view> mistyped_;                   // options nearest to unknown names
  std::set<std::string, std::less<>> used_;               // variables with our prefix that are options
};

} // namespace

Loaded load(const Inputs& inputs) { return Loader(inputs).run(); }

} // namespace foyer::config

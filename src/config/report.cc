#include "config/report.h"

#include <fmt/format.h>

#include "config/secrets.h"

namespace foyer::config {
namespace {

std::string default_text(const Option& option) {
  const std::string development = format_value(option, defaults_for(Environment::development));
  const std::string test = format_value(option, defaults_for(Environment::test));
  const std::string production = format_value(option, defaults_for(Environment::production));
  const auto shown = [](const std::string& value) { return value.empty() ? std::string("none") : value; };
  if (option.name == "environment") return "none";
  if (development == production) return shown(development);
  if (test == production) return fmt::format("{} in development, else {}", shown(development), shown(production));
  return fmt::format("{}; in staging and production {}", shown(development), shown(production));
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string out;
  std::size_t column = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    if (column == 0 || column + 1 + word.size() > width) {
      if (column != 0) out += '\n';
      out.append(indent, ' ');
      column = indent;
    } else {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + "\n";
}

std::string spellings(const Option& option) {
  std::string out = fmt::format("`--{}` · `{}`", kebab(option.name), env_name(option));
  if (option.plain) out += fmt::format(" · `{}`", prefixed_env_name(option.name));
  if (!option.path) out += fmt::format(" · `{}_FILE`", env_name(option));
  return out;
}

std::string shown_value(const Loaded& loaded, const Option& option) {
  if (loaded.is_broken(option.name)) return "(not usable)";
  if (option.name == "environment" && !loaded.environment_given) return "(not set)";
  const std::string value = format_value(option, loaded.config);
  if (!option.secret) return value;
  return value.empty() ? "" : fmt::format("fingerprint {}", fingerprint(option.name, value, option.min));
}

// Some defaults follow from other options (PUBLIC_URL from the listen address).
std::string source_text(const Loaded& loaded, const Option& option) {
  const auto source = loaded.source_of(option.name);
  if (source.kind != Source::Kind::default_) return source.text;
  const bool derived =
      format_value(option, loaded.config) != format_value(option, defaults_for(loaded.config.environment));
  return derived ? "default, from other options" : source.text;
}

} // namespace

std::string options_help() {
  std::string out;
  std::string_view section;
  for (const auto& option : all_options()) {
    if (option.section != section) out += fmt::format("\n{}\n", option.section);
    section = option.section;
    out += fmt::format("  --{}{}\n", kebab(option.name), is_flag(option) ? "" : " VALUE");
    out += wrapped(option.help, 6, 96);
    out += wrapped(
        fmt::format("({}. Default: {}. Environment: {})", rule_text(option), default_text(option), env_name(option)), 6,
        96);
  }
  return out;
}

std::string configuration_markdown() {
  std::string out =
      "# Configuration\n\n"
      "Every option can be given in four ways; the first of them that gives it counts:\n\n"
      "1. on the command line, `--drain-timeout 8s`. Of two, the later one;\n"
      "2. in the environment, `FOYER_DRAIN_TIMEOUT=8s`. Some names are also read without the prefix "
      "(`SERVICE_SECRET`); if both are set and\n"
      "   differ, that is `CONFLICTING_SOURCES`. An empty variable counts as not set;\n"
      "3. in a file that a variable names, `SERVICE_SECRET_FILE=/run/secrets/service`. One line end at its end is "
      "removed. `NAME` and\n"
      "   `NAME_FILE` together are `CONFLICTING_SOURCES`. Options that are paths have no such twin;\n"
      "4. in a TOML file, `drain_timeout = \"8s\"`, that `--config FILE` or `FOYER_CONFIG` names. Lists may be "
      "arrays.\n\n"
      "`--dev` is short for `--environment development`. Durations have a unit (`500ms`, `8s`, `15m`, `24h`, `14d`), "
      "sizes may have one (`64KiB`, `1MiB`).\n\n"
      "`foyer check` reports everything that is wrong at once, with the code, the place and the fix, makes every check "
      "that `foyer serve` makes\n"
      "before it listens, and shows the options that are not at their default, with where each was given (`--all`: all "
      "of them).\n"
      "`foyer serve` makes the same check and opens no port while there is an error. Values are never repeated in a "
      "finding; a secret is shown\n"
      "as a fingerprint, so that two machines can be compared.\n\n"
      "Written by `tools/generate-docs` from the table in `src/config/table.cc`; edit there.\n";
  std::string_view section;
  for (const auto& option : all_options()) {
    if (option.section != section) out += fmt::format("\n## {}\n", option.section);
    section = option.section;
    out += fmt::format("\n### {}\n\n{}\n\n{}\n\n", option.name, option.help, spellings(option));
    out += fmt::format("- value: {}\n- default: {}\n", rule_text(option), default_text(option));
    if (!option.required.empty()) out += fmt::format("- required: {}\n", option.required);
    if (option.secret) out += "- a secret: shown as a fingerprint only\n";
  }
  return out;
}

std::string findings_text(const std::vector<Finding>& findings) {
  std::string out;
  for (const auto& f : findings) {
    out += fmt::format("{} {}\n  {}\n",
        f.severity == Severity::error         ? "✗"
            : f.severity == Severity::warning ? "!"
                                              : "·",
        code_of(f.code), f.message);
    out += fmt::format("  source: {}\n  fix:    {}\n\n", f.source, f.fix);
  }
  return out;
}

std::string options_text(const Loaded& loaded, bool all) {
  std::string out;
  std::size_t left_out = 0;
  for (const auto& option : all_options()) {
    if (!all && !loaded.given(option.name))
      ++left_out;
    else
      out += fmt::format("  {:<26} {:<28} {}\n", option.name, shown_value(loaded, option), source_text(loaded, option));
  }
  if (left_out > 0)
    out += fmt::format("  {} options are at their default; `foyer check --all` shows them.\n", left_out);
  return out;
}

json::Object finding_json(const Finding& finding) {
  json::Object out;
  out["code"] = code_of(finding.code);
  out["severity"] = to_string(finding.severity);
  out["option"] = finding.option;
  out["env"] = finding.env;
  out["source"] = finding.source;
  out["message"] = finding.message;
  out["fix"] = finding.fix;
  return out;
}

json::Object check_json(const Loaded& loaded, const std::vector<Finding>& findings) {
  json::Object out;
  out["fit"] = is_fit(findings);
  if (loaded.environment_given)
    out["environment"] = to_string(loaded.config.environment);
  else
    out["environment"] = nullptr;
  json::Array list;
  for (const auto& finding : findings) list.emplace_back(finding_json(finding));
  out["findings"] = std::move(list);
  json::Array options;
  for (const auto& option : all_options()) {
    json::Object row;
    row["name"] = option.name;
    row["env"] = env_name(option);
    row["source"] = source_text(loaded, option);
    const std::string value = format_value(option, loaded.config);
    if (option.secret && value.empty())
      row["fingerprint"] = nullptr;
    else if (option.secret)
      row["fingerprint"] = fingerprint(option.name, value, option.min);
    else if (loaded.is_broken(option.name) || (option.name == "environment" && !loaded.environment_given))
      row["value"] = nullptr;
    else
      row["value"] = value;
    options.emplace_back(std::move(row));
  }
  out["options"] = std::move(options);
  return out;
}

} // namespace foyer::config

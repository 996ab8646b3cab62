// A whole configuration: the input is the file, whatever it holds. Nothing is thrown,
// everything wrong is a finding, and no finding, table or report repeats a secret.
//
// The byte 0x01 stands for a secret's text; where a mutation carries it to a place that
// is no secret's, nothing is claimed about it.
#include <string>

#include "base/bytes.h"
#include "base/json.h"
#include "config/load.h"
#include "config/preflight.h"
#include "config/report.h"
#include "config/toml_source.h"
#include "fuzz.h"

using namespace foyer;
using namespace foyer::config;

namespace {

constexpr std::string_view kSecret = "Tq7vWz3kRm9xBn5c";

std::string with_secrets(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == 1)
      out += kSecret;
    else
      out += c;
  }
  return out;
}

bool mentions(std::string_view text) { return text.find(kSecret) != std::string_view::npos; }

// Whether the secret stands only where secrets may stand.
bool only_in_secrets(const std::vector<TomlItem>& items) {
  return std::ranges::none_of(items, [](const TomlItem& item) {
    const Option* option = find_option(item.key);
    return mentions(item.key) || (item.text && mentions(*item.text) && (option == nullptr || !option->secret));
  });
}

void check(const Finding& finding, bool silent) {
  invariant(info(finding.code).step == Step::configuration, "a finding has a cause of the configuration");
  invariant(!finding.message.empty() && !finding.fix.empty(), "a finding says what is wrong and what to do");
  for (const std::string& text : {finding.message, finding.fix, finding.source, finding.option, finding.env}) {
    invariant(is_utf8(text), "a finding can be shown");
    invariant(!silent || !mentions(text), "a finding holds no secret");
  }
}

} // namespace

FUZZER(config) {
  const std::string text = with_secrets(input);
  const ReadFile read = [&text](const std::string& path) -> std::expected<FileText, std::string> {
    if (path == "foyer.toml") return FileText{text, 0600};
    return std::unexpected("does not exist");
  };
  const auto items = read_toml(text);
  const bool silent = !items || only_in_secrets(*items); // what is no TOML is not repeated at all
  const Loaded loaded = load({.args = {"--config", "foyer.toml"}, .environment = {}, .read = read});
  const auto findings = preflight(loaded, {.read = read, .now = from_unix_seconds(1'700'000'000)});
  invariant(findings.size() >= loaded.findings.size(), "the findings of loading are among all");
  for (const Finding& finding : findings) check(finding, silent);
  for (const std::string& option : loaded.broken) {
    // The finding about a mistyped name belongs to no option; it only says which one is near.
    const bool named = std::ranges::any_of(
        findings, [&](const Finding& f) { return f.option == option || f.code == Cause::UNKNOWN_OPTION; });
    invariant(named, "a value that could not be taken has a finding");
  }
  if (!silent || findings.size() > 12) return; // the rest takes long and is for those who wrote a whole configuration
  const std::string told =
      findings_text(findings) + options_text(loaded, true) + json::write(check_json(loaded, findings));
  invariant(!mentions(told), "no report holds a secret");
  invariant(is_utf8(told), "a report can be shown");
  if (items && loaded.environment_given && is_fit(findings)) {
    // What serve would run with can be written and is the same.
    const std::string fingerprint = configuration_fingerprint(loaded.config);
    invariant(fingerprint ==
            configuration_fingerprint(
                load({.args = {"--config", "foyer.toml"}, .environment = {}, .read = read}).config),
        "a configuration is the same when loaded again");
  }
}

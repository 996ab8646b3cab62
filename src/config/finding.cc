#include "config/finding.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "config/load.h"

namespace foyer::config {

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::error: return "error";
    case Severity::warning: return "warning";
    case Severity::info: return "info";
  }
  return "error";
}

bool is_fit(const std::vector<Finding>& findings) {
  return std::ranges::none_of(findings, [](const Finding& f) { return f.severity == Severity::error; });
}

bool Loaded::is_broken(std::string_view option) const { return std::ranges::find(broken, option) != broken.end(); }

Source Loaded::source_of(std::string_view option) const {
  const auto found = sources.find(option);
  return found == sources.end() ? Source{} : found->second;
}

Finding finding_about(const Loaded& loaded, Cause code, std::string_view option, std::string message, std::string fix) {
  const auto* row = find_option(option);
  Finding out{code, Severity::error, std::string(option), row == nullptr ? "" : env_name(*row),
      loaded.given(option) ? loaded.source_of(option).text : "not set", std::move(message), std::move(fix)};
  if (out.fix.empty()) out.fix = std::string(info(code).next);
  return out;
}

Finding finding_about_entry(const Loaded& loaded, Cause code, const Option& option, std::size_t entry,
    std::string_view field, std::string message, std::string fix) {
  Finding out = finding_about(loaded, code, option.name, std::move(message), std::move(fix));
  const EntrySource& source = loaded.entries.find(option.name)->second.at(entry);
  const auto place = source.fields.find(field);
  out.source = place == source.fields.end() ? source.text : place->second;
  out.entry = entry + 1;
  out.field = field;
  return out;
}

std::optional<Exposure> exposure(const FileText& file, std::string_view path) {
  if ((file.mode & 07) == 0) return std::nullopt;
  if (file.mounted)
    return Exposure{.severity = Severity::warning,
        .fix = "Mount it with mode: 0400 (Docker secrets) or defaultMode: 0400 (Kubernetes volumes)."};
  return Exposure{.severity = Severity::error, .fix = fmt::format("chmod 600 {}", printable(path))};
}

} // namespace foyer::config

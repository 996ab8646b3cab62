#include "doctor/finding.h"

#include <algorithm>
#include <array>

namespace foyer::doctor {
namespace {

constexpr std::array kFindings = {
#define FOYER_FINDING(code_, ...) FindingInfo{.finding = Finding::code_, .code = #code_, __VA_ARGS__},
#include "doctor/findings.def"
#undef FOYER_FINDING
};

} // namespace

std::span<const FindingInfo> all_findings() { return kFindings; }

const FindingInfo& info(Finding finding) { return kFindings.at(static_cast<std::size_t>(finding)); }

std::optional<Finding> find_finding(std::string_view code) {
  const auto* found = std::ranges::find(kFindings, code, &FindingInfo::code);
  if (found == kFindings.end()) return std::nullopt;
  return found->finding;
}

} // namespace foyer::doctor

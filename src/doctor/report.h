// A run for people, for programs, and for pasting. No report contains the token that was given; the Markdown one names
// neither host nor addresses.
#pragma once

#include <string>

#include "base/json.h"
#include "doctor/case.h"
#include "doctor/judge.h"

namespace foyer::doctor {

struct Secrets {
  std::string token; // is replaced wherever a peer repeated it; empty: there was none
};

[[nodiscard]] std::string report_text(const Facts& facts, const Verdict& verdict, const Secrets& secrets);
// {"url","verdict","diagnosis","notes","rungs","clock_difference_ms"}; docs/doctor.md describes it.
[[nodiscard]] json::Object report_json(const Facts& facts, const Verdict& verdict, const Secrets& secrets);
[[nodiscard]] std::string report_markdown(const Facts& facts, const Verdict& verdict, const Secrets& secrets);

} // namespace foyer::doctor

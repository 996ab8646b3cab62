// What only a prober can find out about a WebSocket server and the way to it: a closed table, as the catalogue of
// causes is one. A cause (base/cause.h) is something that Foyer refuses, with a status and a close code; a finding has
// neither, because the server that refuses may be of another make, or may never have been reached.
//
// The rows are in findings.def and nowhere else; `foyer explain` and docs/findings.md are made from it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace foyer::doctor {

// What a recipe is about (recipe.h).
enum class Topic : std::uint8_t { none, upgrade, idle, header_size, certificate, backend };

enum class Finding : std::uint8_t {
#define FOYER_FINDING(code, ...) code,
#include "doctor/findings.def"
#undef FOYER_FINDING
};

struct FindingInfo {
  Finding finding;
  std::string_view code;          // UPPER_SNAKE, never changes; none of base/catalogue.def
  std::string_view client;        // one sentence for somebody whose WebSocket does not open
  std::string_view operator_text; // what happens, for the operator
  std::string_view next;          // one next step, imperative
  Topic topic = Topic::none;
};

[[nodiscard]] std::span<const FindingInfo> all_findings();
[[nodiscard]] const FindingInfo& info(Finding finding);
[[nodiscard]] std::optional<Finding> find_finding(std::string_view code);

} // namespace foyer::doctor

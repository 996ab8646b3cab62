// Numbers with units in common notations, for hints (hints.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/hints.h"

namespace foyer::config {

[[nodiscard]] Hint duration_hint(const Option& option, std::string_view text); // 8, 8sec, 1.5h, 1h30m, PT8S, 1 week
[[nodiscard]] Hint size_hint(const Option& option, std::string_view text);     // 64kb, 64K, 1.5MB, 1 gigabyte
[[nodiscard]] Hint count_hint(const Option& option, std::string_view text);    // 1,000, 1_000, 10k, -1, unlimited

[[nodiscard]] std::string lower_case(std::string_view text);
// Whether the option accepts this text.
[[nodiscard]] bool takes(const Option& option, std::string_view text);

} // namespace foyer::config

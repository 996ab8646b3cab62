#include "config/hint_numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <span>

#include "config/values.h"

namespace foyer::config {
namespace {

constexpr double kMost = 9e15; // above it a double is not exact

struct Unit {
  double factor;
  std::array<std::string_view, 6> names;
};
constexpr Unit kTimes[] = {{1, {"ms", "msec", "msecs", "millis", "millisecond", "milliseconds"}},
    {1'000, {"s", "sec", "secs", "second", "seconds", "s"}}, {60'000, {"m", "min", "mins", "minute", "minutes", "m"}},
    {3'600'000, {"h", "hr", "hrs", "hour", "hours", "h"}}, {86'400'000, {"d", "day", "days", "d", "d", "d"}},
    {604'800'000, {"w", "wk", "week", "weeks", "w", "w"}}};
constexpr Unit kSizes[] = {{1, {"b", "byte", "bytes", "b", "b", "b"}},
    {1 << 10, {"k", "kb", "kib", "ki", "kilobyte", "kilobytes"}},
    {1 << 20, {"m", "mb", "mib", "mi", "megabyte", "megabytes"}},
    {1 << 30, {"g", "gb", "gib", "gi", "gigabyte", "gigabytes"}}};

bool of_number(char c) { return (c >= '0' && c <= '9') || c == '.'; }
bool letter(char c) { return c >= 'a' && c <= 'z'; }

struct Amount {
  double value = 0;
  bool unit_given = false;
};

// "1h 30m", "1.5 mb": the sum of its parts; nothing if a part is not understood.
std::optional<Amount> amount(std::string_view text, std::span<const Unit> units) {
  Amount out;
  bool any = false;
  while (!text.empty()) {
    if (text.front() == ' ') {
      text.remove_prefix(1);
      continue;
    }
    const auto digits = static_cast<std::size_t>(std::ranges::find_if_not(text, of_number) - text.begin());
    if (digits == 0 || digits > 15) return std::nullopt;
    const double number = std::strtod(std::string(text.substr(0, digits)).c_str(), nullptr);
    text.remove_prefix(digits);
    while (text.starts_with(' ')) text.remove_prefix(1);
    const auto letters = static_cast<std::size_t>(std::ranges::find_if_not(text, letter) - text.begin());
    const auto name = text.substr(0, letters);
    text.remove_prefix(letters);
    double factor = 1;
    if (!name.empty()) {
      const auto unit = std::ranges::find_if(
          units, [name](const Unit& u) { return std::ranges::find(u.names, name) != u.names.end(); });
      if (unit == units.end()) return std::nullopt;
      factor = unit->factor;
      out.unit_given = true;
    } else if (any) {
      return std::nullopt;
    }
    any = true;
    out.value += number * factor;
  }
  if (!any || out.value > kMost || out.value != std::floor(out.value)) return std::nullopt;
  return out;
}

std::string bounds_broken(const Option& option, double value, const auto& shown) {
  if (value < static_cast<double>(option.min)) return fmt::format("it is less than {}", shown(option.min));
  if (option.max != 0 && value > static_cast<double>(option.max))
    return fmt::format("it is more than {}", shown(option.max));
  return {};
}

} // namespace

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

bool takes(const Option& option, std::string_view text) {
  Config scratch;
  return parse_value(option, text, scratch).has_value();
}

Hint duration_hint(const Option& option, std::string_view text) {
  std::string plain = lower_case(text);
  if (plain.starts_with("p")) std::erase_if(plain, [](char c) { return c == 'p' || c == 't'; }); // ISO 8601, PT8S
  const auto found = amount(plain, kTimes);
  if (!found) return {};
  const auto shown = [](std::uint64_t ms) { return format_duration(Millis{static_cast<std::int64_t>(ms)}); };
  const auto as_text = [&](double ms) { return shown(static_cast<std::uint64_t>(ms)); };
  if (!found->unit_given) {
    const std::string seconds = as_text(found->value * 1'000);
    // Thousands of seconds are unlikely; thousands of milliseconds are not.
    const std::string millis = as_text(found->value);
    const bool small = found->value < 1'000;
    const std::string& first = small ? seconds : millis;
    return {.wrong = "the unit is missing", .meant = takes(option, first) ? first : small ? millis : seconds};
  }
  if (auto broken = bounds_broken(option, found->value, shown); !broken.empty()) return {.wrong = std::move(broken)};
  return {.wrong = "durations are a whole number with ms, s, m, h or d", .meant = as_text(found->value)};
}

Hint size_hint(const Option& option, std::string_view text) {
  const auto found = amount(lower_case(text), kSizes);
  if (!found) return {};
  const auto shown = [](std::uint64_t bytes) { return format_size(bytes); };
  if (auto broken = bounds_broken(option, found->value, shown); !broken.empty()) return {.wrong = std::move(broken)};
  return {.wrong = "sizes are a whole number of bytes, or a whole number with KiB, MiB or GiB",
      .meant = format_size(static_cast<std::uint64_t>(found->value))};
}

Hint count_hint(const Option& option, std::string_view text) {
  std::string plain = lower_case(text);
  if (option.zero)
    for (const std::string_view all : {"unlimited", "none", "off", "never", "infinity", "inf", "no", "false", "-1"})
      if (plain == all) return {.wrong = "write that as a number", .meant = "0"};
  if (plain.starts_with('-')) return {.wrong = "it is negative"};
  if (plain.starts_with('+')) plain.erase(0, 1);
  std::erase_if(plain, [](char c) { return c == ',' || c == '_' || c == '\'' || c == ' '; });
  double factor = 1;
  if (plain.ends_with('k')) factor = 1'000;
  if (plain.ends_with('m')) factor = 1'000'000;
  if (factor > 1) plain.pop_back();
  if (plain.empty() || plain.size() > 15 || !std::ranges::all_of(plain, of_number) ||
      std::ranges::count(plain, '.') > 1)
    return {};
  const double value = std::strtod(plain.c_str(), nullptr) * factor;
  if (value != std::floor(value)) return {.wrong = "it is not a whole number"};
  const auto shown = [](std::uint64_t n) { return fmt::format("{}", n); };
  if (auto broken = bounds_broken(option, value, shown); !broken.empty()) return {.wrong = std::move(broken)};
  return {.wrong = "it contains characters other than digits", .meant = shown(static_cast<std::uint64_t>(value))};
}

} // namespace foyer::config

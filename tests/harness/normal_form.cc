#include "harness/normal_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace foyer::harness {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool is_base64url(char c) { return is_digit(c) || is_upper(c) || is_lower(c) || c == '-' || c == '_'; }

// In `shape`, 0 stands for any digit and a for any letter.
bool has_shape(std::string_view text, std::string_view shape) {
  if (text.size() < shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const char c = text[i];
    const bool fits = shape[i] == '0' ? is_digit(c) : shape[i] == 'a' ? is_upper(c) || is_lower(c) : c == shape[i];
    if (!fits) return false;
  }
  return true;
}

// hello, Hello or HELLO, with or without a number behind it; or only a number.
bool is_word(std::string_view part) {
  std::size_t at = 0;
  const auto skip = [&](auto&& is) {
    while (at < part.size() && is(part[at])) ++at;
  };
  skip(is_upper);
  if (at <= 1) skip(is_lower);
  skip(is_digit);
  return at == part.size();
}

// Words joined by - or _: written by a person, not random.
bool is_name(std::string_view run) {
  if (run.starts_with("Sec-WebSocket-")) return true;
  while (true) {
    const std::size_t end = run.find_first_of("-_");
    if (!is_word(run.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    run.remove_prefix(end + 1);
  }
}

// A number between `before` and `after` is replaced by `by`.
struct Drawn {
  std::string_view before, after, by;
};
constexpr Drawn kDrawn[] = {{R"(retry_after_ms":)", "", "<wait>"}, {"Retry-After: ", "", "<wait>"},
    {R"(ms":)", "", "<wait>"}, {"within ", " ms", "<wait>"}, {"Content-Length: ", "", "<length>"}};

class Normaliser {
 public:
  std::string run(std::string_view text) {
    std::string out = replaced(text);
    for (std::size_t i = 0; i < claims_.size(); ++i) {
      if (i == 0) out += "== what the tokens say\n";
      const std::string claims = claims_[i]; // a token may hold another one
      out += fmt::format("<token-{}> {}\n", i + 1, replaced(claims));
    }
    return out;
  }

 private:
  static constexpr std::size_t kShortestId = 16;

  std::string replaced(std::string_view text) {
    std::string out;
    while (!text.empty()) {
      std::size_t size = run_length(text);
      if (size == 0) {
        out += text.front();
        text.remove_prefix(1);
        continue;
      }
      out += replacement(text, size);
      text.remove_prefix(size);
    }
    return out;
  }

  static std::size_t run_length(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::find_if_not(text, is_base64url) - text.begin());
  }

  // The replacement for the beginning of the text. `size` is its length: that of the run at first, and changed to what
  // was replaced.
  std::string replacement(std::string_view text, std::size_t& size) {
    if (auto number = drawn(text, size)) return *std::move(number);
    if (auto line = measured(text, size)) return *std::move(line);
    if (const std::size_t length = moment_length(text, size); length > 0) {
      size = length;
      return numbered("time", text.substr(0, length));
    }
    if (const std::size_t length = token_length(text, size); length > 0) {
      size = length;
      return token(text.substr(0, length));
    }
    const std::string_view run = text.substr(0, size);
    const bool connection = size == 16 && std::ranges::all_of(run, is_hex);
    return connection || (size >= kShortestId && !is_name(run)) ? numbered("id", run) : std::string(run);
  }

  // A wait may be random, and the length of a body that contains it follows from it. Such a number has no shape of its
  // own; the words around it identify it. Zero and whole seconds in `retry_after_ms` are not random and stay.
  static std::optional<std::string> drawn(std::string_view text, std::size_t& size) {
    for (const auto& [before, after, by] : kDrawn) {
      if (!text.starts_with(before)) continue;
      const std::string_view rest = text.substr(before.size());
      const std::string_view number = rest.substr(0, rest.find_first_not_of("0123456789.E"));
      if (number.empty() || !rest.substr(number.size()).starts_with(after)) continue;
      const bool kept = number == "0" || number == "0E0" || (before.starts_with("retry") && number.ends_with("000"));
      size = before.size() + number.size();
      return kept ? std::string(text.substr(0, size)) : fmt::format("{}{}", before, by);
    }
    return std::nullopt;
  }

  // A line of /metrics about seconds or bytes: they depend on random waits and on how well random values compress.
  static std::optional<std::string> measured(std::string_view text, std::size_t& size) {
    if (!text.starts_with("foyer_")) return std::nullopt;
    const std::string_view name = text.substr(0, size);
    if (name.find("_seconds") == std::string_view::npos && name.find("_bytes") == std::string_view::npos)
      return std::nullopt;
    const std::string_view line = text.substr(0, text.find_first_of("\\\n"));
    const std::size_t value = line.rfind(' ') + 1;
    const std::string_view labels = line.substr(size, value - size);
    const bool is_sample = value > 0 && value < line.size() && is_digit(line[value]) &&
        (labels == " " || (labels.starts_with('{') && labels.ends_with("} ")));
    if (!is_sample) return std::nullopt;
    size = line.size();
    return fmt::format("{}<measured>", line.substr(0, value));
  }

  // RFC 3339, an HTTP date, or seconds or milliseconds since 1970 that lie between 2020 and 2033.
  static std::size_t moment_length(std::string_view text, std::size_t run) {
    constexpr std::string_view kRfc3339 = "0000-00-00T00:00:00.000Z", kSeconds = "0000-00-00T00:00:00Z";
    constexpr std::string_view kHttpDate = "aaa, 00 aaa 0000 00:00:00 GMT";
    for (const std::string_view shape : {kRfc3339, kSeconds, kHttpDate})
      if (has_shape(text, shape)) return shape.size();
    const bool since_1970 = (run == 10 || run == 13) && std::ranges::all_of(text.substr(0, run), is_digit);
    return since_1970 && text[0] == '1' && text[1] >= '6' ? run : 0;
  }

  // A signed token (RFC 7515 §7.1): three parts, the first is a JSON object.
  static std::size_t token_length(std::string_view text, std::size_t run) {
    if (!text.starts_with("eyJ")) return 0;
    std::size_t at = run;
    for (int parts = 1; parts < 3; ++parts) {
      if (at >= text.size() || text[at] != '.') return 0;
      const std::size_t part = run_length(text.substr(at + 1));
      if (part == 0) return 0;
      at += 1 + part;
    }
    return at;
  }

  std::string token(std::string_view text) {
    const std::size_t before = numbers_["token"].size();
    std::string out = numbered("token", text);
    if (numbers_["token"].size() == before) return out;
    const std::size_t first = text.find('.'), second = text.rfind('.');
    const auto head = base64url_decode(text.substr(0, first));
    const auto body = base64url_decode(text.substr(first + 1, second - first - 1));
    claims_.push_back(head && body && is_utf8(*head) && is_utf8(*body) ? *head + " " + *body : "cannot be read");
    return out;
  }

  std::string numbered(std::string_view kind, std::string_view value) {
    auto& numbers = numbers_[std::string(kind)];
    const auto number = numbers.try_emplace(std::string(value), numbers.size() + 1).first->second;
    return fmt::format("<{}-{}>", kind, number);
  }

  std::map<std::string, std::map<std::string, std::size_t>, std::less<>> numbers_; // by kind and value
  std::vector<std::string> claims_;                                                // of the tokens, in their order
};

} // namespace

std::string normal_form(std::string_view text) { return Normaliser().run(text); }

} // namespace foyer::harness

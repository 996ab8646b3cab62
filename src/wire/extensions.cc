#include "wire/extensions.h"

#include <algorithm>
#include <array>

#include "wire/http_lines.h"

namespace foyer::wire {
namespace {

constexpr std::string_view kDeflate = "permessage-deflate";

bool is_token_char(char c) { return is_token({&c, 1}); }

// Reads a header from its front. White space may stand between all words (RFC 2616 §2.1,
// whose rules the grammar of RFC 6455 uses).
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool at_end() {
    skip_blanks();
    return rest_.empty();
  }
  bool take(char c) {
    skip_blanks();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::optional<std::string> token() {
    skip_blanks();
    const auto end = std::ranges::find_if_not(rest_, is_token_char);
    std::string out(rest_.begin(), end);
    if (out.empty()) return std::nullopt;
    rest_.remove_prefix(out.size());
    return out;
  }
  // A token, or a quoted string that contains one.
  std::optional<std::string> value() {
    if (!take('"')) return token();
    std::string out;
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\') rest_.remove_prefix(1);
      if (rest_.empty()) return std::nullopt;
      out.push_back(rest_.front());
      rest_.remove_prefix(1);
    }
    if (rest_.empty()) return std::nullopt;
    rest_.remove_prefix(1);
    return is_token(out) ? std::optional(std::move(out)) : std::nullopt;
  }

 private:
  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }
  std::string_view rest_;
};

std::optional<Extension> read_extension(Reader& reader) {
  auto name = reader.token();
  if (!name) return std::nullopt;
  Extension extension{.name = std::move(*name)};
  while (reader.take(';')) {
    auto parameter = reader.token();
    if (!parameter) return std::nullopt;
    extension.parameters.push_back({.name = std::move(*parameter)});
    if (!reader.take('=')) continue;
    auto value = reader.value();
    if (!value) return std::nullopt;
    extension.parameters.back().value = std::move(*value);
  }
  return extension;
}

// 8 to 15, decimal, no leading zero (RFC 7692 §7.1.2).
std::optional<std::uint8_t> window_bits(std::string_view text) {
  constexpr std::array<std::string_view, 8> kValues = {"8", "9", "10", "11", "12", "13", "14", "15"};
  const auto* const found = std::ranges::find(kValues, text);
  if (found == kValues.end()) return std::nullopt;
  return static_cast<std::uint8_t>(8 + (found - kValues.begin()));
}

// The parameters of one offer; nullopt: it is declined.
std::optional<DeflateTerms> read_offer(const Extension& offer, bool takeover) {
  DeflateTerms terms{.server_takeover = takeover, .client_takeover = takeover};
  std::vector<std::string_view> seen;
  for (const auto& [name, value] : offer.parameters) {
    if (std::ranges::find(seen, name) != seen.end()) return std::nullopt;
    seen.push_back(name);
    if (name == "server_no_context_takeover" || name == "client_no_context_takeover") {
      if (value) return std::nullopt;
      (name.starts_with('s') ? terms.server_takeover : terms.client_takeover) = false;
    } else if (name == "server_max_window_bits") {
      const auto bits = value ? window_bits(*value) : std::nullopt;
      if (!bits) return std::nullopt;
      terms.server_bits = *bits;
      terms.server_bits_asked = true;
    } else if (name == "client_max_window_bits") {
      const auto bits = value ? window_bits(*value) : std::optional<std::uint8_t>(15);
      if (!bits) return std::nullopt;
      terms.client_bits = *bits;
      terms.client_bits_sent = true;
    } else {
      return std::nullopt;
    }
  }
  // A window that a connection keeps is worth limiting. Otherwise the loop's is used, with 15 bits.
  if (!terms.client_takeover) {
    terms.client_bits = 15;
    terms.client_bits_sent = false;
  } else if (terms.client_bits_sent) {
    terms.client_bits = std::min(terms.client_bits, kTakeoverBits);
  }
  return terms;
}

// Each row: a User-Agent that contains all of `all` and not `without`, and the reason.
struct Broken {
  std::array<std::string_view, 2> all;
  std::string_view without;
  std::string_view reason;
};

// Apple's URLSession provides the WebSockets of Safari (since 15) and of every browser and app on iOS. From its
// first version to one of 2026, people report connections that end with "protocol error" after a compressed
// message, or truncated messages, mostly without context takeover. No version is known to work.
constexpr std::string_view kUrlSession = "Apple's URLSession loses or refuses compressed messages";
constexpr std::array kBroken = {
    Broken{{"AppleWebKit/", "Mac OS X"}, " Chrome/", kUrlSession}, // Safari; on iOS all browsers
    Broken{{"CFNetwork/", "Darwin/"}, "", kUrlSession},            // apps
};

} // namespace

std::optional<std::vector<Extension>> parse_extensions(std::string_view value) {
  Reader reader(value);
  std::vector<Extension> out;
  while (!reader.at_end()) {
    if (reader.take(',')) continue; // an element may be empty, the list may not
    auto extension = read_extension(reader);
    if (!extension || (!reader.at_end() && !reader.take(','))) return std::nullopt;
    out.push_back(std::move(*extension));
  }
  if (out.empty()) return std::nullopt;
  return out;
}

std::optional<DeflateTerms> accept_deflate(const std::vector<Extension>& offers, bool takeover) {
  for (const Extension& offer : offers) {
    if (offer.name != kDeflate) continue;
    if (auto terms = read_offer(offer, takeover)) return terms;
  }
  return std::nullopt;
}

std::string deflate_answer(const DeflateTerms& terms) {
  std::string out{kDeflate};
  if (!terms.server_takeover) out += "; server_no_context_takeover";
  if (!terms.client_takeover) out += "; client_no_context_takeover";
  if (terms.server_bits_asked) out += "; server_max_window_bits=" + std::to_string(terms.server_bits);
  if (terms.client_bits_sent) out += "; client_max_window_bits=" + std::to_string(terms.client_bits);
  return out;
}

std::string_view broken_deflate(std::string_view user_agent) {
  for (const Broken& row : kBroken) {
    const bool all = std::ranges::all_of(
        row.all, [&](std::string_view part) { return user_agent.find(part) != std::string_view::npos; });
    if (all && (row.without.empty() || user_agent.find(row.without) == std::string_view::npos)) return row.reason;
  }
  return {};
}

} // namespace foyer::wire

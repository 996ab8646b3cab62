#include "config/secrets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/fingerprint.h"

namespace foyer::config {
namespace {

constexpr std::size_t kLeastDistinct = 10;

// Printed in manuals, tutorials and standards, or commonly typed first.
constexpr std::string_view kKnown[] = {
    "0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "00112233445566778899aabbccddeeff",
    "01234567890123456789012345678901",
    "12345678901234567890123456789012",
    "1234567890abcdef1234567890abcdef",
    "abcdefghijklmnopqrstuvwxyz123456",
    "abcdefghijklmnopqrstuvwxyz012345",
    "abcdefghijklmnopqrstuvwxyzabcdef",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "qwertyuiopasdfghjklzxcvbnm123456",
    "qwertyuiopasdfghjklzxcvbnmqwerty",
    "a-string-secret-at-least-256-bits-long",
    "your-256-bit-secret",
    "my-32-character-ultra-secure-and-ultra-long-secret",
    "super-secret-jwt-token-with-at-least-32-characters-long",
    "this-is-a-very-long-secret-key-that-is-at-least-32-characters",
    "thisisasecretkeythatisatleast32characterslong",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "aym1sysppbydfgzld3umj1qzkobwvmkoqq-estjqlr_t-1qs0gzh75aktmn3yj0ips4hcguutwjazzr1z9caow",
};

// Whole values, only for secrets.
constexpr std::string_view kWords[] = {"secret", "mysecret", "my-secret", "my_secret", "supersecret", "super-secret",
    "password", "password1", "password123", "passw0rd", "admin", "test", "example", "default", "dummy", "none", "null",
    "undefined", "todo", "tbd", "fixme", "xxx", "foobar", "letmein", "12345678"};
constexpr std::string_view kAnywhere[] = {"changeme", "change-me", "change_me", "changethis", "change-this",
    "replace_with", "replace-with", "replacewith", "replaceme", "replace_me", "replace-me", "insert_your",
    "insert-your", "placeholder"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

bool encloses(std::string_view text, std::string_view open, std::string_view close) {
  const auto start = text.find(open);
  return start != std::string_view::npos && text.find(close, start + open.size()) != std::string_view::npos;
}

} // namespace

std::string_view without_line_end(std::string_view text) {
  if (!text.ends_with('\n')) return text;
  text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

bool is_placeholder(std::string_view value, bool secret) {
  const std::string text = lower(value);
  if (encloses(text, "${", "}") || encloses(text, "{{", "}}") || encloses(text, "$(", ")")) return true;
  if (secret ? text.starts_with('<') && text.ends_with('>') : encloses(text, "<", ">")) return true;
  for (const auto mark : {"your-", "your_", "://your-", "://your_"})
    if (std::string_view(mark).starts_with("://") ? text.find(mark) != std::string::npos : text.starts_with(mark))
      return true;
  // A strong secret may contain short words by chance, but not a whole phrase.
  for (const auto phrase : kAnywhere)
    if (text.find(phrase) != std::string::npos) return true;
  if (!secret) return false;
  if (text.size() < 32 && text.find_first_not_of("x*.-") == std::string::npos && !text.empty()) return true;
  return std::ranges::find(kWords, text) != std::end(kWords);
}

std::optional<std::string> weakness(std::string_view secret, std::size_t min_bytes) {
  if (secret.size() < min_bytes)
    return fmt::format("must have at least {} characters and has {}", min_bytes, secret.size());
  std::array<bool, 256> seen{};
  for (const char c : secret) seen[static_cast<unsigned char>(c)] = true;
  const auto distinct = std::ranges::count(seen, true);
  if (static_cast<std::size_t>(distinct) < kLeastDistinct)
    return fmt::format("must have at least {} distinct characters and has {}", kLeastDistinct, distinct);
  if (std::ranges::find(kKnown, lower(secret)) != std::end(kKnown))
    return "is publicly known: it appears in manuals and lists";
  return std::nullopt;
}

std::string fingerprint(std::string_view option, std::string_view secret, std::size_t min_bytes) {
  if (secret.empty()) return "";
  if (weakness(secret, min_bytes)) return "weak";
  return foyer::fingerprint(option, secret);
}

} // namespace foyer::config

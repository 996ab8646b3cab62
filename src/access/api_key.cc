#include "access/api_key.h"

#include <algorithm>

#include "base/bytes.h"

namespace foyer::access {
namespace {

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

} // namespace

std::string make_api_key(Entropy& entropy) { return std::string(kApiKeyPrefix) + entropy.token(); }

std::string hash_of_api_key(std::string_view key) { return base64url_encode(sha256(key)); }

bool looks_like_api_key(std::string_view text) {
  return text.size() == kApiKeyBytes && text.starts_with(kApiKeyPrefix) &&
      std::ranges::all_of(text, [](char c) { return is_word(c) || c == '_' || c == '-'; });
}

Result<void> check_api_key_name(std::string_view name) {
  const auto in_name = [](char c) { return is_word(c) || c == '.' || c == '_' || c == '-'; };
  if (!name.empty() && name.size() <= kApiKeyNameBytes && is_word(name.front()) && std::ranges::all_of(name, in_name))
    return {};
  return refuse_field(Cause::NAME_INVALID, "name",
      "the name of an API key is 1 to 64 letters, digits, dots, underscores and hyphens, and begins with a letter or "
      "digit");
}

} // namespace foyer::access

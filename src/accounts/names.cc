#include "accounts/names.h"

#include <fmt/format.h>

#include <algorithm>

namespace foyer::accounts {
namespace {

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_name_char(char c) { return is_alnum(c) || c == '.' || c == '_' || c == '@' || c == '-'; }

} // namespace

Result<bool> check_name(std::string_view name) {
  if (name.empty()) return refuse_field(Cause::NAME_INVALID, "name", "the name is empty");
  if (name.size() > kMaxNameBytes)
    return refuse_field(Cause::NAME_INVALID, "name", fmt::format("the name has {} bytes, at most {} are allowed", name.size(), kMaxNameBytes));
  if (const auto bad = std::ranges::find_if_not(name, is_name_char); bad != name.end())
    return refuse_field(Cause::NAME_INVALID, "name", fmt::format("the character at position {} is not a letter, a digit or one of . _ @ -", bad - name.begin() + 1));
  if (!is_alnum(name.front())) return refuse_field(Cause::NAME_INVALID, "name", "the name does not begin with a letter or a digit");
  return true;
}

std::string name_key(std::string_view name) {
  std::string key{name};
  for (char& c : key)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return key;
}

Result<bool> check_email(std::string_view email) {
  const auto bad = [](const char* why) { return refuse_field(Cause::BAD_REQUEST, "email", why); };
  if (email.size() > kMaxEmailBytes) return bad("the address is longer than 254 bytes");
  if (std::ranges::any_of(email, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; })) return bad("the address holds white space or a control character");
  const auto at = email.find('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == email.size() || email.find('@', at + 1) != std::string_view::npos)
    return bad("an address has one @ with something on both sides");
  return true;
}

} // namespace foyer::accounts

#include "accounts/model/names.h"

#include <fmt/format.h>

#include <algorithm>

namespace foyer::accounts {
namespace {

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_name_char(char c) { return is_alnum(c) || c == '.' || c == '_' || c == '@' || c == '-'; }

// Only `foyer user add` can give these names. reserved_names adds others.
constexpr std::string_view kReserved[] = {
    "admin",
    "admins",
    "administrator",
    "administrators",
    "root",
    "superuser",
    "sysadmin",
    "system",
    "sysop",
    "support",
    "help",
    "helpdesk",
    "moderator",
    "moderators",
    "mod",
    "mods",
    "staff",
    "team",
    "security",
    "operator",
    "operators",
    "owner",
    "official",
    "foyer",
    "server",
    "webmaster",
    "abuse",
    "postmaster",
    "hostmaster",
    "noreply",
    "everyone",
    "everybody",
    "all",
    "channel",
    "bot",
};

// "Adm1n", "ad-min" and "admin@chat.example" are read as "admin".
std::string as_read(std::string_view name) {
  constexpr std::string_view kDigits = "oizeasbtbg"; // the letters that 0 to 9 stand for
  std::string out;
  for (const char c : name.substr(0, name.find('@'))) {
    if (c >= 'A' && c <= 'Z')
      out += static_cast<char>(c - 'A' + 'a');
    else if (c >= '0' && c <= '9')
      out += kDigits[static_cast<std::size_t>(c - '0')];
    else if (is_alnum(c))
      out += c;
  }
  return out;
}

} // namespace

bool is_reserved_name(std::string_view name, std::span<const std::string> more) {
  const std::string read = as_read(name);
  const auto same = [&read](std::string_view other) { return as_read(other) == read; };
  return std::ranges::any_of(kReserved, same) || std::ranges::any_of(more, same);
}

Result<bool> check_name(std::string_view name) {
  if (name.empty()) return refuse_field(Cause::NAME_INVALID, "name", "the name is empty");
  if (name.size() > kMaxNameBytes)
    return refuse_field(Cause::NAME_INVALID, "name",
        fmt::format("the name has {} bytes, at most {} are allowed", name.size(), kMaxNameBytes));
  if (const auto bad = std::ranges::find_if_not(name, is_name_char); bad != name.end())
    return refuse_field(Cause::NAME_INVALID, "name",
        fmt::format("the character at position {} is not a letter, a digit or one of . _ @ -", bad - name.begin() + 1));
  if (!is_alnum(name.front()))
    return refuse_field(Cause::NAME_INVALID, "name", "the name does not begin with a letter or a digit");
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
  if (std::ranges::any_of(email, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; }))
    return bad("the address holds white space or a control character");
  const auto at = email.find('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == email.size() ||
      email.find('@', at + 1) != std::string_view::npos)
    return bad("an address has one @ with something on both sides");
  return true;
}

} // namespace foyer::accounts

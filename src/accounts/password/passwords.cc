#include "accounts/password/passwords.h"

#include <argon2.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "accounts/model/names.h"
#include "accounts/password/foreign_hashes.h"
#include "accounts/password/opaque_string.h"
#include "base/bytes.h"
#include "base/words.h"

namespace foyer::accounts {
namespace {

constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kTagBytes = 32;
constexpr std::string_view kPrefix = "$argon2id$v=19$";

std::size_t length_in_code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// PHC strings use RFC 4648 §4 without padding.
std::string unpadded(std::string text) {
  while (text.ends_with('=')) text.pop_back();
  return text;
}
std::optional<std::string> from_unpadded(std::string_view text) {
  std::string padded{text};
  while (padded.size() % 4 != 0) padded += '=';
  return base64_decode(padded);
}

std::string argon2id(std::string_view password, std::string_view salt, const HashCost& cost, std::size_t tag_bytes) {
  std::string tag(tag_bytes, '\0');
  const int status = argon2id_hash_raw(cost.passes, cost.memory_kib, cost.lanes, password.data(), password.size(),
      salt.data(), salt.size(), tag.data(), tag.size());
  if (status != ARGON2_OK) return {};
  return tag;
}

struct Phc {
  HashCost cost;
  std::string salt;
  std::string tag;
};

bool take_number(std::string_view& text, std::string_view label, std::uint32_t& out) {
  if (!text.starts_with(label)) return false;
  text.remove_prefix(label.size());
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

std::optional<Phc> parse_phc(std::string_view text) {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  Phc phc;
  if (!take_number(text, "m=", phc.cost.memory_kib) || !take_number(text, ",t=", phc.cost.passes) ||
      !take_number(text, ",p=", phc.cost.lanes))
    return std::nullopt;
  if (!text.starts_with('$') || !within_bounds(phc.cost)) return std::nullopt;
  text.remove_prefix(1);
  const auto dollar = text.find('$');
  if (dollar == std::string_view::npos) return std::nullopt;
  auto salt = from_unpadded(text.substr(0, dollar));
  auto tag = from_unpadded(text.substr(dollar + 1));
  if (!salt || !tag || salt->size() < 8 || salt->size() > 64 || tag->size() < 16 || tag->size() > 64)
    return std::nullopt;
  phc.salt = std::move(*salt);
  phc.tag = std::move(*tag);
  return phc;
}

std::uint64_t work(const HashCost& cost) { return std::uint64_t{cost.memory_kib} * cost.passes; }

} // namespace

bool within_bounds(const HashCost& cost) {
  return cost.lanes >= 1 && cost.lanes <= kHighestCost.lanes && cost.passes >= 1 &&
      cost.passes <= kHighestCost.passes && cost.memory_kib >= 8 * cost.lanes &&
      cost.memory_kib <= kHighestCost.memory_kib;
}

Result<bool> check_new_password(
    std::string_view password, std::string_view name, std::size_t min_characters, std::string_view field) {
  const std::string where{field};
  if (password.size() > kMaxPasswordBytes)
    return refuse_field(Cause::PASSWORD_TOO_LONG, where,
        fmt::format("the password has {} bytes, at most {} are allowed", password.size(), kMaxPasswordBytes));
  const auto prepared = prepare_opaque(password);
  if (!prepared) return refuse_field(Cause::PASSWORD_CHARACTER, where, "the password holds " + prepared.error());
  if (const auto length = length_in_code_points(*prepared); length < min_characters)
    return refuse_field(Cause::PASSWORD_TOO_SHORT, where,
        fmt::format("the password has {}, at least {} are needed", counted(length, "character"), min_characters));
  if (name_key(*prepared) == name_key(name))
    return refuse_field(Cause::PASSWORD_COMMON, where, "the password is the name");
  if (is_common_password(*prepared))
    return refuse_field(Cause::PASSWORD_COMMON, where, "the password is on the list of the most common ones");
  return true;
}

std::string hash_password(std::string_view password, const HashCost& cost, Entropy& entropy) {
  std::string salt(kSaltBytes, '\0');
  entropy.fill(std::as_writable_bytes(std::span{salt}));
  const std::string tag = argon2id(password_forms(password).front(), salt, cost, kTagBytes);
  if (tag.empty()) return {};
  return fmt::format("{}m={},t={},p={}${}${}", kPrefix, cost.memory_kib, cost.passes, cost.lanes,
      unpadded(base64_encode(salt)), unpadded(base64_encode(tag)));
}

PasswordMatch verify_password(std::string_view password, std::string_view phc, const HashCost& wanted) {
  const auto parsed = parse_phc(phc);
  const auto forms = password_forms(password);
  for (std::size_t i = 0; i < forms.size(); ++i) {
    if (!parsed) {
      if (verify_foreign(forms[i], phc)) return PasswordMatch::yes_and_stale;
      continue;
    }
    const std::string tag = argon2id(forms[i], parsed->salt, parsed->cost, parsed->tag.size());
    if (tag.empty()) return PasswordMatch::no;
    if (constant_time_equal(tag, parsed->tag))
      return i > 0 || work(parsed->cost) < work(wanted) ? PasswordMatch::yes_and_stale : PasswordMatch::yes;
  }
  return PasswordMatch::no;
}

std::optional<HashCost> cost_of(std::string_view phc) {
  const auto parsed = parse_phc(phc);
  if (!parsed) return std::nullopt;
  return parsed->cost;
}

} // namespace foyer::accounts

#include "accounts/factor/second_factor.h"

#include <algorithm>

#include "accounts/factor/totp.h"

namespace foyer::accounts {
namespace {

constexpr std::size_t kRecoveryBytes = 10;
constexpr std::size_t kRecoveryCharacters = 16;
constexpr std::size_t kMostTyped = 64;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

} // namespace

TypedFactor read_factor(std::string_view typed) {
  std::string code;
  if (typed.size() > kMostTyped) return {};
  for (const char c : typed)
    if (c != ' ' && c != '-') code += lower(c);
  if (code.size() == kTotpDigits && std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; }))
    return {FactorKind::totp, std::move(code)};
  if (code.size() == kRecoveryCharacters &&
      std::ranges::all_of(code, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'); }))
    return {FactorKind::recovery, std::move(code)};
  return {};
}

std::vector<std::string> make_recovery_codes(Entropy& entropy) {
  std::vector<std::string> out;
  while (out.size() < kRecoveryCodes) {
    std::string bytes(kRecoveryBytes, '\0');
    entropy.fill(std::as_writable_bytes(std::span{bytes}));
    std::string code = base32_encode(bytes);
    std::ranges::transform(code, code.begin(), lower);
    for (const std::size_t at : {12U, 8U, 4U}) code.insert(at, 1, '-');
    out.push_back(std::move(code));
  }
  return out;
}

std::string recovery_digest(const UserId& user, std::string_view code) {
  return digest("recovery\n" + user.str() + '\n' + std::string{code});
}

} // namespace foyer::accounts

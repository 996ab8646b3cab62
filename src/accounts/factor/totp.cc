#include "accounts/factor/totp.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "base/bytes.h"

namespace foyer::accounts {
namespace {

std::string hmac_sha1(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int length = 0;
  HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
      text.size(), out.data(), &length);
  return {reinterpret_cast<const char*>(out.data()), length};
}

// RFC 3986 §2.3: all but unreserved characters.
std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
        c == '.' || c == '_' || c == '~';
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

} // namespace

std::int64_t totp_step(WallTime now) {
  return std::chrono::floor<std::chrono::seconds>(now).time_since_epoch() /
      std::chrono::duration_cast<std::chrono::seconds>(kTotpStep);
}

std::string hotp(std::string_view secret, std::int64_t counter, int digits) {
  std::string message(8, '\0');
  for (std::size_t i = 0; i < 8; ++i)
    message[7 - i] = static_cast<char>((static_cast<std::uint64_t>(counter) >> (8 * i)) & 0xff);
  const std::string mac = hmac_sha1(secret, message);
  const auto byte = [&mac](std::size_t at) { return static_cast<std::uint32_t>(static_cast<unsigned char>(mac[at])); };
  const std::size_t offset = byte(mac.size() - 1) & 0xf;
  const std::uint32_t number =
      (byte(offset) & 0x7f) << 24 | byte(offset + 1) << 16 | byte(offset + 2) << 8 | byte(offset + 3);
  std::uint32_t bound = 1;
  for (int i = 0; i < digits; ++i) bound *= 10;
  return fmt::format("{:0{}}", number % bound, digits);
}

std::optional<std::int64_t> match_totp(std::string_view secret, std::string_view code, WallTime now) {
  const std::int64_t middle = totp_step(now);
  std::optional<std::int64_t> found;
  for (std::int64_t step = middle - kTotpWindow; step <= middle + kTotpWindow; ++step)
    if (constant_time_equal(hotp(secret, step), code)) found = step;
  return found;
}

std::string base32_encode(std::string_view bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    for (count += 8; count >= 5; count -= 5) out += kAlphabet[(bits >> (count - 5)) & 31];
  }
  if (count > 0) out += kAlphabet[(bits << (5 - count)) & 31];
  return out;
}

std::string totp_uri(std::string_view issuer, std::string_view account, std::string_view secret) {
  const std::string by = percent_encode(issuer);
  return fmt::format("otpauth://totp/{}:{}?secret={}&issuer={}&algorithm=SHA1&digits={}&period={}", by,
      percent_encode(account), base32_encode(secret), by, kTotpDigits,
      std::chrono::duration_cast<std::chrono::seconds>(kTotpStep).count());
}

} // namespace foyer::accounts

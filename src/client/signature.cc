#include "client/signature.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace foyer::client {
namespace {

constexpr std::string_view kPrefix = "whsec_";
constexpr std::size_t kNewKey = 32;
constexpr std::size_t kShortestKey = 24;
constexpr std::size_t kLongestKey = 64;

} // namespace

std::string make_secret(Entropy& entropy) {
  std::array<std::byte, kNewKey> random{};
  entropy.fill(random);
  return std::string(kPrefix) + base64_encode({reinterpret_cast<const char*>(random.data()), random.size()});
}

Result<std::string> key_of(std::string_view secret) {
  if (!secret.starts_with(kPrefix)) return refuse(Cause::INVALID_VALUE, "the secret does not begin with whsec_");
  auto key = base64_decode(secret.substr(kPrefix.size()));
  if (!key) return refuse(Cause::INVALID_VALUE, "the secret is not standard base64 with padding behind whsec_");
  if (key->size() < kShortestKey || key->size() > kLongestKey)
    return refuse(Cause::INVALID_VALUE, "the secret has " + std::to_string(key->size()) + " bytes and not 24 to 64");
  return std::move(*key);
}

std::string sign(
    std::span<const std::string> keys, std::string_view id, std::int64_t timestamp, std::string_view body) {
  std::string text;
  text.append(id).append(".").append(std::to_string(timestamp)).append(".").append(body);
  std::string out;
  for (const std::string& key : keys)
    out.append(out.empty() ? "v1," : " v1,").append(base64_encode(hmac_sha256(key, text)));
  return out;
}

} // namespace foyer::client

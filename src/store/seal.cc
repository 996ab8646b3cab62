#include "store/seal.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/words.h"

namespace foyer::store {
namespace {

constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kMinSecretBytes = 32;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

} // namespace

Result<SealKey> SealKey::from_secret(std::string_view secret) {
  if (secret.size() < kMinSecretBytes)
    return refuse(Cause::WEAK_SECRET,
        fmt::format("the store key has {}; at least {} are required", counted(secret.size(), "byte"), kMinSecretBytes));
  return SealKey(hmac_sha256(secret, "foyer-store-v1"));
}

std::string SealKey::seal(std::string_view plain, std::string_view about, Entropy& entropy) const {
  std::string nonce(kNonceBytes, '\0');
  entropy.fill(std::as_writable_bytes(std::span{nonce}));
  std::string cipher(plain.size(), '\0');
  std::string tag(kTagBytes, '\0');
  const Context context(EVP_CIPHER_CTX_new());
  int length = 0;
  EVP_EncryptInit_ex(
      context.get(), EVP_aes_256_gcm(), nullptr, bytes(std::string_view{key_}), bytes(std::string_view{nonce}));
  EVP_EncryptUpdate(context.get(), nullptr, &length, bytes(about), static_cast<int>(about.size()));
  EVP_EncryptUpdate(context.get(), bytes(cipher), &length, bytes(plain), static_cast<int>(plain.size()));
  EVP_EncryptFinal_ex(context.get(), bytes(tag), &length);
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(kTagBytes), tag.data());
  return base64url_encode(nonce + cipher + tag);
}

Result<std::string> SealKey::open(std::string_view sealed, std::string_view about) const {
  auto raw = base64url_decode(sealed);
  if (!raw || raw->size() < kNonceBytes + kTagBytes)
    return refuse(Cause::STORE_KEY_MISMATCH, fmt::format("the stored data of {} is damaged", printable(about, 80)));
  const std::string_view nonce = std::string_view{*raw}.substr(0, kNonceBytes);
  const std::string_view cipher = std::string_view{*raw}.substr(kNonceBytes, raw->size() - kNonceBytes - kTagBytes);
  std::string tag = raw->substr(raw->size() - kTagBytes);
  std::string plain(cipher.size(), '\0');
  const Context context(EVP_CIPHER_CTX_new());
  int length = 0;
  EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes(std::string_view{key_}), bytes(nonce));
  EVP_DecryptUpdate(context.get(), nullptr, &length, bytes(about), static_cast<int>(about.size()));
  EVP_DecryptUpdate(context.get(), bytes(plain), &length, bytes(cipher), static_cast<int>(cipher.size()));
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(kTagBytes), tag.data());
  unsigned char none[16];
  if (EVP_DecryptFinal_ex(context.get(), none, &length) != 1)
    return refuse(Cause::STORE_KEY_MISMATCH, fmt::format("{} was sealed with another key", printable(about, 80)));
  return plain;
}

} // namespace foyer::store

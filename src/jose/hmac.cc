// HMAC with SHA-2 (RFC 7518 §3.2). The key is prepared once per thread:
// a context holds the hashed inner and outer pads and is reset for every
// token. Fetching and keying again would cost five times as much as the two hashes.
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "base/bytes.h"
#include "jose/material.h"
#include "jose/openssl.h"

namespace foyer::jose {
namespace {

using MacContext = std::unique_ptr<EVP_MAC_CTX, Releases<EVP_MAC_CTX_free>>;

EVP_MAC* hmac_algorithm() {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  if (algorithm == nullptr) openssl_fails("OpenSSL has no HMAC");
  return algorithm;
}

class HmacMaterial final : public KeyMaterial {
 public:
  explicit HmacMaterial(std::string secret) : id_(new_prepared_id()), secret_(std::move(secret)) {}
  ~HmacMaterial() override { OPENSSL_cleanse(secret_.data(), secret_.size()); }
  HmacMaterial(const HmacMaterial&) = delete;
  HmacMaterial& operator=(const HmacMaterial&) = delete;

  bool fits(Algorithm algorithm) const override {
    return family_of(algorithm) == Family::hmac && secret_.size() >= min_secret_bytes(algorithm);
  }
  Algorithm usual() const override { return Algorithm::hs256; }
  bool symmetric() const override { return true; }
  bool has_private() const override { return true; }

  bool verify(Algorithm algorithm, std::string_view input, std::string_view signature) const override {
    if (!fits(algorithm) || signature.size() != hash_bits(algorithm) / 8) return false;
    const auto tag = compute(algorithm, input);
    return CRYPTO_memcmp(tag.bytes.data(), signature.data(), tag.size) == 0;
  }
  std::string sign(Algorithm algorithm, std::string_view input) const override {
    if (!fits(algorithm)) openssl_fails("a secret too short for the algorithm");
    const auto tag = compute(algorithm, input);
    return {reinterpret_cast<const char*>(tag.bytes.data()), tag.size};
  }
  json::Object required_members() const override { return {{"k", base64url_encode(secret_)}, {"kty", "oct"}}; }
  json::Object private_members() const override { return {{"k", base64url_encode(secret_)}}; }
  std::string pem() const override { return {}; }
  Material public_part() const override { return nullptr; }

 private:
  MacContext prepare(Algorithm algorithm) const {
    MacContext context{needed(EVP_MAC_CTX_new(hmac_algorithm()))};
    const char* name = hash_bits(algorithm) == 256 ? "SHA256" : hash_bits(algorithm) == 384 ? "SHA384" : "SHA512";
    const std::array<OSSL_PARAM, 2> params{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(name), 0),
        OSSL_PARAM_construct_end()};
    if (EVP_MAC_init(context.get(), raw(secret_), secret_.size(), params.data()) != 1)
      openssl_fails("OpenSSL cannot prepare an HMAC key");
    return context;
  }

  Digest compute(Algorithm algorithm, std::string_view input) const {
    EVP_MAC_CTX* const context =
        PreparedHere<MacContext>::get(id_ + static_cast<std::uint64_t>(algorithm), [&] { return prepare(algorithm); });
    Digest tag{};
    const bool done = EVP_MAC_init(context, nullptr, 0, nullptr) == 1 &&
        EVP_MAC_update(context, raw(input), input.size()) == 1 &&
        EVP_MAC_final(context, tag.bytes.data(), &tag.size, tag.bytes.size()) == 1 &&
        tag.size == hash_bits(algorithm) / 8;
    if (!done) openssl_fails("OpenSSL cannot compute an HMAC");
    return tag;
  }

  std::uint64_t id_;
  std::string secret_;
};

} // namespace

Result<Material> make_hmac(std::string secret) {
  if (secret.size() < kMinSecretBytes)
    return refuse_field(Cause::WEAK_SECRET, "k", std::to_string(secret.size()) + " bytes; HS256 needs at least 32");
  if (secret.size() > kMaxSecretBytes)
    return refuse_field(Cause::KEY_UNREADABLE, "k", "a secret of more than 4096 bytes");
  return std::make_shared<HmacMaterial>(std::move(secret));
}

} // namespace foyer::jose

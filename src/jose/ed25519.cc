// Ed25519 (RFC 8032, RFC 8037): signatures of exactly 64 bytes, S below the
// group's order (OpenSSL checks it), so that a signature has one form.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <stdexcept>

#include "base/bytes.h"
#include "jose/material.h"

namespace foyer::jose {
namespace {

constexpr std::size_t kSignatureBytes = 64;

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using Pkey = std::unique_ptr<EVP_PKEY, FreeKey>;
using Bio = std::unique_ptr<BIO, FreeBio>;

const unsigned char* raw(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

EVP_MD_CTX* scratch() {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeDigest> context{EVP_MD_CTX_new()};
  if (context == nullptr) throw std::bad_alloc();
  EVP_MD_CTX_reset(context.get());
  return context.get();
}

class Ed25519Material final : public KeyMaterial {
 public:
  Ed25519Material(Pkey key, bool has_private) : key_(std::move(key)), private_(has_private) {
    std::size_t size = x_.size();
    if (EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(x_.data()), &size) != 1 || size != x_.size())
      throw std::runtime_error("OpenSSL gives no public key");
  }

  Algorithm algorithm() const override { return Algorithm::eddsa; }
  bool symmetric() const override { return false; }
  bool has_private() const override { return private_; }

  bool verify(std::string_view input, std::string_view signature) const override {
    if (signature.size() != kSignatureBytes) return false;
    EVP_MD_CTX* const context = scratch();
    const bool good = EVP_DigestVerifyInit(context, nullptr, nullptr, nullptr, key_.get()) == 1 &&
                      EVP_DigestVerify(context, raw(signature), signature.size(), raw(input), input.size()) == 1;
    if (!good) ERR_clear_error();
    return good;
  }

  std::string sign(std::string_view input) const override {
    EVP_MD_CTX* const context = scratch();
    std::string signature(kSignatureBytes, '\0');
    std::size_t size = signature.size();
    const bool done = private_ && EVP_DigestSignInit(context, nullptr, nullptr, nullptr, key_.get()) == 1 &&
                      EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size, raw(input), input.size()) == 1;
    if (!done || size != kSignatureBytes) throw std::runtime_error("OpenSSL cannot sign with this key");
    return signature;
  }

  json::Object required_members() const override { return {{"crv", "Ed25519"}, {"kty", "OKP"}, {"x", base64url_encode(x())}}; }

  json::Object private_members() const override {
    if (!private_) return {};
    std::string seed(kEd25519Bytes, '\0');
    std::size_t size = seed.size();
    if (EVP_PKEY_get_raw_private_key(key_.get(), reinterpret_cast<unsigned char*>(seed.data()), &size) != 1) throw std::runtime_error("OpenSSL gives no private key");
    json::Object out{{"d", base64url_encode(seed)}};
    OPENSSL_cleanse(seed.data(), seed.size());
    return out;
  }

  std::string pem() const override {
    const Bio bio{BIO_new(BIO_s_mem())};
    const int done = private_ ? PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) : PEM_write_bio_PUBKEY(bio.get(), key_.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    if (done != 1 || size <= 0) throw std::runtime_error("OpenSSL cannot write this key");
    return {data, static_cast<std::size_t>(size)};
  }

 private:
  std::string_view x() const { return {x_.data(), x_.size()}; }
  Pkey key_;
  bool private_;
  std::array<char, kEd25519Bytes> x_{};
};

std::shared_ptr<const KeyMaterial> wrap(EVP_PKEY* key, bool has_private) {
  Pkey owned{key};
  if (owned == nullptr) {
    ERR_clear_error();
    return nullptr;
  }
  return std::make_shared<Ed25519Material>(std::move(owned), has_private);
}

int no_password(char*, int, int, void*) { return -1; }

} // namespace

std::shared_ptr<const KeyMaterial> make_ed25519_private(std::string_view seed) {
  return wrap(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, raw(seed), seed.size()), true);
}

std::shared_ptr<const KeyMaterial> make_ed25519_public(std::string_view x) {
  return wrap(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw(x), x.size()), false);
}

Result<std::shared_ptr<const KeyMaterial>> read_pem(std::string_view pem) {
  const bool encrypted = pem.find("ENCRYPTED") != std::string_view::npos;
  if (encrypted) return refuse(Cause::KEY_UNREADABLE, "a PEM key with a password; store it without one, readable by its owner only");
  const bool is_private = pem.find("PRIVATE KEY-----") != std::string_view::npos;
  const Bio bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  Pkey key{is_private ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr) : PEM_read_bio_PUBKEY(bio.get(), nullptr, no_password, nullptr)};
  ERR_clear_error();
  if (key == nullptr) return refuse(Cause::KEY_UNREADABLE, is_private ? "a PEM private key that does not parse" : "no PEM private key (PKCS#8) or public key (SPKI)");
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) {
    const char* name = EVP_PKEY_get0_type_name(key.get());
    return refuse(Cause::KEY_UNREADABLE, "a PEM key of type " + std::string{name == nullptr ? "unknown" : name} + "; Ed25519 is needed");
  }
  return std::make_shared<Ed25519Material>(std::move(key), is_private);
}

} // namespace foyer::jose

#include "jose/openssl.h"

#include <openssl/bio.h>
#include <openssl/pem.h>

namespace foyer::jose {
namespace {

EVP_MD* fetch_digest(const char* name) {
  EVP_MD* const digest = EVP_MD_fetch(nullptr, name, nullptr);
  if (digest == nullptr) openssl_fails("OpenSSL has no SHA-2");
  return digest;
}

} // namespace

Number number_of(std::string_view big_endian) {
  return Number{needed(BN_bin2bn(raw(big_endian), static_cast<int>(big_endian.size()), nullptr))};
}

std::string bytes_of(const BIGNUM* number) { return bytes_of(number, static_cast<std::size_t>(BN_num_bytes(number))); }

std::string bytes_of(const BIGNUM* number, std::size_t width) {
  std::string out(width, '\0');
  if (BN_bn2binpad(number, raw(out), static_cast<int>(width)) < 0) openssl_fails("a number wider than its place");
  return out;
}

Number number_param(const EVP_PKEY* key, const char* name) {
  const QuietErrors quiet;
  BIGNUM* number = nullptr;
  return EVP_PKEY_get_bn_param(key, name, &number) == 1 ? Number{number} : nullptr;
}

const EVP_MD* digest_of(Algorithm algorithm) {
  static const EVP_MD* const sha256 = fetch_digest("SHA256");
  static const EVP_MD* const sha384 = fetch_digest("SHA384");
  static const EVP_MD* const sha512 = fetch_digest("SHA512");
  switch (hash_bits(algorithm)) {
    case 256: return sha256;
    case 384: return sha384;
    default: return sha512;
  }
}

Digest digest(Algorithm algorithm, std::string_view input) {
  thread_local const DigestContext context{needed(EVP_MD_CTX_new())};
  Digest out{};
  unsigned size = 0;
  if (EVP_DigestInit_ex2(context.get(), digest_of(algorithm), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), input.data(), input.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), out.bytes.data(), &size) != 1)
    openssl_fails("OpenSSL cannot hash");
  out.size = size;
  return out;
}

std::string write_pem(EVP_PKEY* key, bool with_private) {
  const std::unique_ptr<BIO, Releases<BIO_free_all>> bio{needed(BIO_new(BIO_s_mem()))};
  const int done = with_private ? PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr)
                                : PEM_write_bio_PUBKEY(bio.get(), key);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  if (done != 1 || size <= 0) openssl_fails("OpenSSL cannot write this key");
  return {data, static_cast<std::size_t>(size)};
}

std::uint64_t new_prepared_id() {
  static std::atomic<std::uint64_t> last{0};
  return last += kPreparedUses;
}

} // namespace foyer::jose

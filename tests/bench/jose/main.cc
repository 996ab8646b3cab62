// Signatures per second on one core: a key that is prepared once, beside what a
// program does that reads the key and fetches the algorithm for every token.
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "jose/jwk.h"

using namespace foyer;

namespace {

constexpr double kSeconds = 1.0;
const std::string kInput(400, 'i'); // header.payload of an access token

template <class Once>
double per_second(Once once) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  std::size_t done = 0;
  double spent = 0;
  do {
    for (int i = 0; i < 16; ++i)
      if (!once()) std::abort();
    done += 16;
    spent = std::chrono::duration<double>(Clock::now() - start).count();
  } while (spent < kSeconds);
  return static_cast<double>(done) / spent;
}

const char* hash_name(jose::Algorithm algorithm) {
  return jose::hash_bits(algorithm) == 256 ? "SHA256" : jose::hash_bits(algorithm) == 384 ? "SHA384" : "SHA512";
}
const unsigned char* raw(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

bool naive_hmac(jose::Algorithm algorithm, const std::string& secret, const std::string& tag) {
  unsigned char out[64];
  unsigned size = 0;
  EVP_MD* md = EVP_MD_fetch(nullptr, hash_name(algorithm), nullptr);
  HMAC(md, secret.data(), static_cast<int>(secret.size()), raw(kInput), kInput.size(), out, &size);
  EVP_MD_free(md);
  return std::string_view(reinterpret_cast<char*>(out), size) == tag;
}

bool naive_verify(jose::Algorithm algorithm, const std::string& pem, const std::string& signature) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* key = PEM_read_bio_PUBKEY(bio, nullptr, nullptr, nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* of_key = nullptr;
  const auto family = jose::family_of(algorithm);
  bool good = EVP_DigestVerifyInit_ex(context, &of_key, family == jose::Family::eddsa ? nullptr : hash_name(algorithm),
                  nullptr, nullptr, key, nullptr) == 1;
  if (family == jose::Family::rsa_pss)
    good = good && EVP_PKEY_CTX_set_rsa_padding(of_key, RSA_PKCS1_PSS_PADDING) == 1 &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(of_key, RSA_PSS_SALTLEN_DIGEST) == 1;
  if (family == jose::Family::ecdsa) {
    const auto half = signature.size() / 2;
    ECDSA_SIG* numbers = ECDSA_SIG_new();
    ECDSA_SIG_set0(numbers, BN_bin2bn(raw(signature), static_cast<int>(half), nullptr),
        BN_bin2bn(raw(signature) + half, static_cast<int>(half), nullptr));
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(numbers, &der);
    good = good && EVP_DigestVerify(context, der, static_cast<std::size_t>(size), raw(kInput), kInput.size()) == 1;
    OPENSSL_free(der);
    ECDSA_SIG_free(numbers);
  } else {
    good = good && EVP_DigestVerify(context, raw(signature), signature.size(), raw(kInput), kInput.size()) == 1;
  }
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  BIO_free(bio);
  return good;
}

// 2048 bits: what most issuers use.
jose::Key rsa_key() {
  EVP_PKEY* key = EVP_RSA_gen(2048);
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  const auto read = jose::Key::parse_pem({text, static_cast<std::size_t>(size)});
  BIO_free(bio);
  EVP_PKEY_free(key);
  return read.value();
}

} // namespace

int main() {
  fmt::print("{:<6} {:>12} {:>12} {:>7} {:>12}\n", "", "verify/s", "naive/s", "ratio", "sign/s");
  const jose::Key rsa = rsa_key();
  for (std::size_t i = 0; i < jose::kAlgorithms; ++i) {
    const auto algorithm = static_cast<jose::Algorithm>(i);
    const auto family = jose::family_of(algorithm);
    const bool of_rsa = family == jose::Family::rsa_pkcs1 || family == jose::Family::rsa_pss;
    const std::string secret(jose::min_secret_bytes(algorithm), 's');
    const jose::Key key = family == jose::Family::hmac ? *jose::Key::from_secret(secret, algorithm)
        : of_rsa                                       ? *rsa.with_algorithm(algorithm)
                                                       : jose::Key::generate(algorithm, system_entropy());
    const jose::Key open = key.public_part();
    const std::string pem = open.to_pem();
    const std::string signature = key.sign(kInput);
    const double prepared = per_second([&] { return open.verify(kInput, signature); });
    const double naive = per_second([&] {
      return family == jose::Family::hmac ? naive_hmac(algorithm, secret, signature)
                                          : naive_verify(algorithm, pem, signature);
    });
    const double signs = per_second([&] { return !key.sign(kInput).empty(); });
    fmt::print("{:<6} {:>12.0f} {:>12.0f} {:>7.1f} {:>12.0f}\n", jose::to_string(algorithm), prepared, naive,
        prepared / naive, signs);
  }
}

#include "config/tls_files.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

namespace foyer::config {
namespace {

template <auto Free>
struct Releases {
  template <class T>
  void operator()(T* object) const { Free(object); }
};
using Bio = std::unique_ptr<BIO, Releases<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Releases<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Releases<EVP_PKEY_free>>;

Bio over(std::string_view text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

int no_passphrase(char*, int, int, void*) { return -1; }

} // namespace

std::expected<TlsFacts, TlsFault> read_tls_pair(std::string_view certificate_pem, std::string_view key_pem) {
  ERR_clear_error();
  const Bio certificate_bio = over(certificate_pem);
  const Certificate certificate(PEM_read_bio_X509(certificate_bio.get(), nullptr, no_passphrase, nullptr));
  if (!certificate) {
    ERR_clear_error();
    return std::unexpected(TlsFault{false, "holds no certificate in PEM"});
  }
  const Bio key_bio = over(key_pem);
  const PrivateKey key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) {
    ERR_clear_error();
    return std::unexpected(TlsFault{true, "holds no private key in PEM, or one with a passphrase"});
  }
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) {
    ERR_clear_error();
    return std::unexpected(TlsFault{false, "holds a certificate without a valid end"});
  }
  TlsFacts out;
  out.expires = from_unix_seconds(timegm(&end));
  out.key_matches = X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  return out;
}

} // namespace foyer::config

#include "base/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

namespace foyer::pem {
namespace {

using Bio = std::unique_ptr<BIO, Releases<BIO_free_all>>;

Bio over(std::string_view text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

int no_passphrase(char*, int, int, void*) { return -1; }

} // namespace

std::vector<Certificate> certificates_in(std::string_view text) {
  std::vector<Certificate> out;
  const Bio bio = over(text);
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)) out.emplace_back(one);
  ERR_clear_error();
  return out;
}

PrivateKey private_key_in(std::string_view text) {
  const Bio bio = over(text);
  PrivateKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return key;
}

} // namespace foyer::pem

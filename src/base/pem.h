// Reads certificates and private keys from PEM. A key with a passphrase is not read, and OpenSSL's error queue is
// left empty. Keys that sign tokens are read by jose, which is stricter.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string_view>
#include <vector>

#include "base/releases.h"

namespace foyer::pem {

using Certificate = std::unique_ptr<X509, Releases<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Releases<EVP_PKEY_free>>;

[[nodiscard]] std::vector<Certificate> certificates_in(std::string_view text); // in their order
[[nodiscard]] PrivateKey private_key_in(std::string_view text);                // the first; null: none

} // namespace foyer::pem

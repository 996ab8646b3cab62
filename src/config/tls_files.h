// Whether a certificate and a key can be served: readable, of one pair, in time.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace foyer::config {

struct TlsFacts {
  WallTime expires{};       // of the first certificate
  bool key_matches = false; // the key is that of the first certificate
};
// What is wrong, by file: the certificate file or the key file cannot be used.
struct TlsFault {
  bool in_key = false;
  std::string what; // "holds no certificate", "is encrypted with a passphrase or no private key in PEM"
};

[[nodiscard]] std::expected<TlsFacts, TlsFault> read_tls_pair(std::string_view certificate_pem, std::string_view key_pem);

} // namespace foyer::config

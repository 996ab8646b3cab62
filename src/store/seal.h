// Encryption of secrets in a database: secrets of services,
// private keys, second factors. AES-256-GCM (NIST SP 800-38D) with one key of the
// installation, DATA/store.key (0600), or STORE_KEY where the database is elsewhere.
//
//   sealed = base64url(nonce (12) | ciphertext | tag (16))
//
// `about` is authenticated and not stored ("service:gateway"): a sealed value that was
// moved to another row cannot be opened.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/refusal.h"

namespace foyer::store {

class SealKey {
 public:
  // Any text of at least 32 bytes; the key is derived from it. WEAK_SECRET.
  [[nodiscard]] static Result<SealKey> from_secret(std::string_view secret);

  [[nodiscard]] std::string seal(std::string_view plain, std::string_view about, Entropy& entropy) const;
  // STORE_KEY_MISMATCH when it was sealed with another key or another `about`, or is damaged.
  [[nodiscard]] Result<std::string> open(std::string_view sealed, std::string_view about) const;

 private:
  explicit SealKey(std::string key) : key_(std::move(key)) {}
  std::string key_; // 32 raw bytes
};

} // namespace foyer::store

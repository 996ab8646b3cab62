#include "base/fingerprint.h"

#include "base/bytes.h"

namespace foyer {

std::string fingerprint(std::string_view option, std::string_view secret) {
  return hex_encode(hmac_sha256(secret, "foyer-fp-v1:" + std::string(option))).substr(0, 8);
}

} // namespace foyer

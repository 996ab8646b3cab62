#include "redis/script.h"

#include <openssl/sha.h>

#include <array>
#include <utility>

#include "base/bytes.h"

namespace foyer::redis {

Script::Script(std::string source) : text(std::move(source)) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> bytes{};
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes.data());
  digest = hex_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

} // namespace foyer::redis

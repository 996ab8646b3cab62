// The kinds of key, for jwk.cc alone: from raw bytes to KeyMaterial.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "jose/jwk.h"

namespace foyer::jose {

inline constexpr std::size_t kEd25519Bytes = 32;

[[nodiscard]] std::shared_ptr<const KeyMaterial> make_hmac(std::string secret);
// Raw 32 byte values; null when OpenSSL does not take them.
[[nodiscard]] std::shared_ptr<const KeyMaterial> make_ed25519_private(std::string_view seed);
[[nodiscard]] std::shared_ptr<const KeyMaterial> make_ed25519_public(std::string_view x);

// KEY_UNREADABLE with what the text holds instead.
[[nodiscard]] Result<std::shared_ptr<const KeyMaterial>> read_pem(std::string_view pem);

} // namespace foyer::jose

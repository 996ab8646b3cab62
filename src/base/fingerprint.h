// A secret's name in public: enough to see whether two are the same, too little to
// find one that is strong. For weak ones it must not be shown (config/secrets.h).
#pragma once

#include <string>
#include <string_view>

namespace foyer {

// The first 8 hex digits of HMAC-SHA256(secret, "foyer-fp-v1:" + option).
[[nodiscard]] std::string fingerprint(std::string_view option, std::string_view secret);

} // namespace foyer

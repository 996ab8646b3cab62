// The configured key that signs tokens.
#pragma once

#include "base/refusal.h"
#include "config/options.h"
#include "jose/jwk.h"

namespace foyer::app {

// The key that the auth role signs with before any rotation, restricted to its algorithm.
// MISSING_JWT_SECRET, FILE_UNREADABLE, KEY_UNREADABLE, WEAK_KEY, WEAK_SECRET, CONFLICTING_KEYS.
[[nodiscard]] Result<jose::Key> configured_key(const config::Config& config);

} // namespace foyer::app

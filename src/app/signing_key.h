// The key that tokens are signed with.
#pragma once

#include "base/refusal.h"
#include "config/options.h"
#include "jose/jwk.h"

namespace foyer::app {

// The key that the auth role of this configuration signs with, before any rotation, for its single algorithm.
// MISSING_JWT_SECRET, FILE_UNREADABLE, KEY_UNREADABLE, WEAK_KEY, WEAK_SECRET, CONFLICTING_KEYS.
[[nodiscard]] Result<jose::Key> configured_key(const config::Config& config);

} // namespace foyer::app

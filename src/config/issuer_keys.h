// The keys of a trusted issuer that are in a file. For preflight, the server and `foyer token verify`.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "auth/policy.h"
#include "base/refusal.h"
#include "config/load.h"
#include "jose/key_set.h"

namespace foyer::config {

[[nodiscard]] std::vector<jose::Algorithm> algorithms_of(const auth::TrustedIssuer& issuer);

// Of secret_file: HS256 unless `algorithms` names another. KEY_UNREADABLE, WEAK_SECRET, CONFLICTING_KEYS.
[[nodiscard]] Result<jose::Key> secret_in(const auth::TrustedIssuer& issuer, std::string_view file);
// Of public_key_file. Secrets and private keys are refused. KEY_UNREADABLE, WEAK_KEY, CONFLICTING_KEYS.
[[nodiscard]] Result<std::shared_ptr<const jose::KeySet>> public_keys_in(
    const auth::TrustedIssuer& issuer, std::string_view file);

// Whichever of the two is configured; also FILE_UNREADABLE. Null: its keys are fetched.
[[nodiscard]] Result<std::shared_ptr<const jose::KeySet>> keys_in_file(
    const auth::TrustedIssuer& issuer, const ReadFile& read);

} // namespace foyer::config

// Secrets that are generated in development, so that `./run` needs none: a service
// secret, a key pair for tokens (Ed25519, or as JWT_ALGORITHM says) and an API key, each a file (0600) in the data
// directory that stays the same across restarts.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "config/finding.h"
#include "config/load.h"

namespace foyer::config {

struct GeneratedFile {
  std::string_view option;
  std::string_view file; // in the data directory
};
inline constexpr GeneratedFile kGenerated[] = {
    {"service_secret", "service_secret"}, {"jwt_private_key_file", "jwt_key.pem"}, {"api_key", "api_key"}};

// For `serve`, after a preflight without errors and once the data directory exists
// is ours. Reads existing secrets, generates missing ones, and fills service_secret,
// jwt_private_key_file and api_key where they are not set. Does nothing unless
// generates_secrets(loaded); in development with identity = external only api_key. Failures are findings:
// FILE_UNREADABLE, DATA_UNWRITABLE, SECRET_FILE_EXPOSED, WEAK_SECRET, KEY_UNREADABLE.
[[nodiscard]] std::vector<Finding> generate_secrets(Loaded& loaded, const ReadFile& read, Entropy& entropy);

// The same for `check`: uses existing secrets and generates none.
[[nodiscard]] std::vector<Finding> adopt_generated_secrets(Loaded& loaded, const ReadFile& read);

} // namespace foyer::config

// foyer token verify --explain: what each issuer of the configuration makes of a token, offline.
#pragma once

#include <string>
#include <vector>

#include "cli/token_keys.h"
#include "config/options.h"
#include "jose/verifier.h"

namespace foyer::cli {

struct ExplainTask {
  const config::Config& config;
  jose::VerifierPolicy own;               // the terms of this server's own tokens
  std::vector<jose::Key> own_keys = {};   // none: unknown here
  std::vector<jose::Key> given_keys = {}; // of --key, in place of a key set that would be fetched
  WallTime now{};
  bool as_json = false;
};

// Returns the exit status: 0 nothing is wrong with it, 1 refused.
int explain_token(const ExplainTask& task, std::string_view token);

} // namespace foyer::cli

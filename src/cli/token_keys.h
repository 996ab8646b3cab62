// For `foyer token`: its arguments, the keys they name, and times in common notations.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/refusal.h"
#include "cli/command_line.h"
#include "config/load.h"
#include "jose/jwk.h"
#include "jose/key_set.h"

namespace foyer::cli {

struct TokenArgs : PlaceArguments {                       // its options include --option=VALUE of `serve`
  std::map<std::string, std::string, std::less<>> values; // of the options with a value
  std::vector<std::string> flags;
  std::vector<std::string> rest; // arguments that are not options

  [[nodiscard]] std::optional<std::string> value(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view flag) const;
};

// The error describes the fault in the arguments.
[[nodiscard]] std::expected<TokenArgs, std::string> read_token_args(
    Args args, std::span<const std::string_view> with_value, std::span<const std::string_view> flags);

// Seconds since 1970, or 2026-01-02T03:04:05Z.
[[nodiscard]] std::optional<WallTime> parse_moment(std::string_view text);

// The configuration that `serve` would use with this data directory, with the
// generated development keys. It is not checked.
[[nodiscard]] config::Loaded load_for_tokens(std::vector<std::string> options);

// The text of a key: a JWK, a JWKS, PEM, or otherwise a shared secret. Open if it names no algorithm.
// KEY_UNREADABLE, WEAK_KEY, WEAK_SECRET, CONFLICTING_KEYS.
struct GivenKeys {
  std::vector<jose::Key> keys;
  bool names_kid = false; // a set, or a JWK with a kid of its own
};
[[nodiscard]] Result<GivenKeys> read_keys(std::string_view text, bool secret_allowed);
// The key of --key, --secret-env or otherwise the configuration, for the algorithm of --alg if given.
// Also FILE_UNREADABLE, MISSING_JWT_SECRET, INVALID_VALUE.
[[nodiscard]] Result<GivenKeys> keys_of(const TokenArgs& args, const config::Config& config);
// A file's text; "-" is standard input. FILE_UNREADABLE.
[[nodiscard]] Result<std::string> read_text(const std::string& path);

// TOKEN from the arguments, or from standard input without its line end.
[[nodiscard]] std::string token_argument(const TokenArgs& args);

int token_fails(const Refusal& refusal); // prints on standard error; returns kCouldNotRun

int token_issue(Args args);
int token_inspect(Args args);
int token_verify(Args args);

} // namespace foyer::cli

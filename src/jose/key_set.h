// The keys that signatures are checked with (RFC 7517 §5): immutable, every kid
// once, and never secrets beside public keys, so that no public key can be mistaken
// for an HMAC secret (RFC 8725 §3.1). Of a key pair only the public part is stored.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/refusal.h"
#include "jose/jwk.h"

namespace foyer::jose {

inline constexpr std::size_t kMaxKeys = 100;

// A key of a set that is not used. Keys that are marked as being for
// something else (use, key_ops, encryption) are not listed.
struct IgnoredKey {
  std::string kid = {}; // as written, printable; empty: none
  Refusal why = {};
  [[nodiscard]] std::string reason() const { return std::string{why.code()} + ": " + why.evidence; }
};

class KeySet {
 public:
  // KEY_UNREADABLE: empty, too many, a duplicate kid or key, a key that must not verify. CONFLICTING_KEYS: secrets and
  // public keys mixed.
  [[nodiscard]] static Result<std::shared_ptr<const KeySet>> of(std::vector<Key> keys);
  [[nodiscard]] static Result<std::shared_ptr<const KeySet>> of(Key key);
  // An empty set, for use before the first fetch: every token is KEY_UNKNOWN.
  [[nodiscard]] static std::shared_ptr<const KeySet> none();
  // A JWKS document. Unknown or unusable keys (broken, weak, private, a secret beside
  // public keys, a duplicate kid or key, too many) are left out and listed in ignored()
  // (RFC 7517 §5). Refused are only documents that are not a key set, and sets without a usable key.
  [[nodiscard]] static Result<std::shared_ptr<const KeySet>> parse(std::string_view jwks);

  // The set in which no key is open: `wanted` where it fits, otherwise the usual algorithm of the kind.
  [[nodiscard]] static std::shared_ptr<const KeySet> pinned(
      const std::shared_ptr<const KeySet>& set, std::optional<Algorithm> wanted = {});

  // Only its keys for these algorithms, each for one of them; no algorithms: pinned(set). CONFLICTING_KEYS: there is
  // none.
  [[nodiscard]] static Result<std::shared_ptr<const KeySet>> restricted(
      const std::shared_ptr<const KeySet>& set, const std::vector<Algorithm>& algorithms);

  [[nodiscard]] const std::vector<Key>& keys() const { return keys_; }
  [[nodiscard]] const std::vector<IgnoredKey>& ignored() const { return ignored_; } // of parse(), in its order
  [[nodiscard]] const Key* find(std::string_view kid) const;
  // The key for a token: by kid, or without one the only key that fits.
  // ALGORITHM_NOT_ALLOWED, KEY_UNKNOWN.
  [[nodiscard]] Result<const Key*> select(std::string_view alg, std::optional<std::string_view> kid) const;
  // {"keys":[…]}: public members only; secrets are omitted.
  [[nodiscard]] std::string to_jwks() const;
  [[nodiscard]] std::vector<std::string> thumbprints() const; // sorted
  [[nodiscard]] std::string algorithms() const;               // that its keys accept: "RS256, EdDSA"

 private:
  explicit KeySet(std::vector<Key> keys, std::vector<IgnoredKey> ignored = {})
      : keys_(std::move(keys)),
        ignored_(std::move(ignored)) {}
  std::vector<Key> keys_;
  std::vector<IgnoredKey> ignored_;
};

} // namespace foyer::jose

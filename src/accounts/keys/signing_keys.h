// The keys that sign access tokens, one after another, and the set that verifiers
// must have. A rotation rejects no token, because a key is published before its
// first use and kept after its last:
//
//            made           active_from        successor's active_from     gone
//   key      │── published ──│── signs ─────────│── published ──────────────│
//                publish_ahead                    longest token life + leeway + margin
//
// The first key is the configured one; the others are rows of the store, sealed,
// created by `foyer key rotate` or by an administrator, and read again every second,
// so that all processes on one store sign and publish alike. When a key becomes
// active depends only on the clock: an unreadable store delays nothing
// that is already known. With a shared secret (HS256) there is one key and no rotation.
//
// On the control plane's thread. The references must outlive it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/runners.h"
#include "accounts/store.h"
#include "base/json.h"
#include "base/log.h"
#include "jose/key_set.h"
#include "jose/signer.h"
#include "store/seal.h"

namespace foyer::accounts {

struct KeyRotationPolicy {
  Millis publish_ahead = std::chrono::minutes{5}; // longer than the interval at which verifiers fetch the key set
  Millis longest_token_life = std::chrono::minutes{15};
  Millis leeway{30'000};
  Millis margin = std::chrono::minutes{1}; // for clocks of other machines
  Millis reread = std::chrono::seconds{1};
  [[nodiscard]] Millis kept() const { return longest_token_life + leeway + margin; } // after its last use
};
inline constexpr Millis kJwksMaxAge = std::chrono::minutes{1};
inline constexpr Millis kLongestPublishAhead = std::chrono::days{30};

enum class KeyState : std::uint8_t {
  ahead, // published, does not sign yet
  signing,
  retired, // no longer signs; its tokens may still be valid
  over,    // its tokens have expired; to be removed
};
[[nodiscard]] std::string_view to_string(KeyState state);

// A key's place in the sequence.
struct KeyTimes {
  std::string kid = {};
  bool configured = false; // from the configuration; the others are rows
  KeyState state{};
  std::optional<WallTime> created = {}; // neither for the configured key
  std::optional<WallTime> active_from = {};
  std::optional<WallTime> retired = {}; // when its successor begins, or began, to sign
  std::optional<WallTime> gone = {};    // published until then
};
[[nodiscard]] json::Object to_json(const KeyTimes& key); // as shown by the operator's API and `foyer key list --json`
// Pure. `configured` first, then the rows by their times: the newest active one signs.
[[nodiscard]] std::vector<KeyTimes> key_times(
    std::string_view configured, std::vector<SigningKeyRow> rows, WallTime now, const KeyRotationPolicy& policy);

// A new key for the algorithm as a row, not stored yet. An RSA key takes a second to generate.
[[nodiscard]] SigningKeyRow make_signing_key(
    const store::SealKey& seal, jose::Algorithm algorithm, WallTime now, Millis publish_for, Entropy& entropy);
// ROTATION_UNSUPPORTED for a shared secret, BAD_REQUEST when `publish_for` is out of bounds.
[[nodiscard]] Result<bool> check_rotation(bool symmetric, Millis publish_for);

class SigningKeys {
 public:
  using OnChange = std::function<void(std::shared_ptr<const jose::KeySet>)>;

  SigningKeys(jose::Signer configured, AccountStore& store, store::SealKey seal, KeyRotationPolicy policy,
      Runners runners, const Clock& clock, Entropy& entropy, Log& log);
  SigningKeys(const SigningKeys&) = delete;
  SigningKeys& operator=(const SigningKeys&) = delete;

  // Reads the store, answers, and rereads it every second. Once, from any thread.
  // Nothing should be signed or verified before the answer, or after an error.
  void start(Completion<bool> ready);
  // Called at once with the key set that verifies, and with every later one.
  void watch(OnChange on_change);

  [[nodiscard]] const jose::Signer& signer() const; // current
  [[nodiscard]] const std::string& signing_kid() const { return signer().key().kid(); }
  [[nodiscard]] const std::shared_ptr<const jose::KeySet>& key_set() const {
    return key_set_;
  } // all currently published keys
  [[nodiscard]] const std::string& jwks() const { return jwks_; }
  [[nodiscard]] bool rotates() const { return !configured_.key().symmetric(); }
  [[nodiscard]] const KeyRotationPolicy& policy() const { return policy_; }

  // A new key that signs after `publish_for`, for the algorithm of the configured one, which verifiers
  // of the key set support. Generated on the hashing queue. ROTATION_UNSUPPORTED, BAD_REQUEST, BUSY.
  void rotate(Millis publish_for, AuditRow audit, Completion<KeyTimes> done);
  void list(Completion<std::vector<KeyTimes>> done); // in order, as now in the store

 private:
  struct Entry {
    jose::Signer signer;
    WallTime active_from;
  };
  void read(Completion<bool> done);
  void add(SigningKeyRow row, AuditRow audit, Completion<KeyTimes> done);
  void take(std::vector<SigningKeyRow> rows);
  [[nodiscard]] const Entry* opened(const std::string& kid) const;
  [[nodiscard]] std::optional<Entry> open(const SigningKeyRow& row);
  void publish();
  void remove_over(const std::vector<KeyTimes>& times);

  const jose::Signer configured_;
  AccountStore& store_;
  const store::SealKey seal_;
  const KeyRotationPolicy policy_;
  const std::shared_ptr<const Runners> runners_;
  const Clock& clock_;
  Entropy& entropy_;
  Log& log_;
  std::vector<SigningKeyRow> rows_; // as last read
  std::vector<Entry> entries_;      // the rows that could be opened, in order
  std::vector<std::string> logged_; // kids that could not be opened, each logged once
  std::shared_ptr<const jose::KeySet> key_set_;
  std::string jwks_;
  std::vector<OnChange> watchers_;
  bool reading_ = false;
  bool failing_ = false;
};

} // namespace foyer::accounts

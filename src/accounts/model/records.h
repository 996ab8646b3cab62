// The rows of the accounts store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/refusal.h"

namespace foyer::accounts {

// The stored form of a secret: base64url of its SHA-256. Secrets are 256 bit random, so no salt is needed.
[[nodiscard]] inline std::string digest(std::string_view secret) { return base64url_encode(sha256(secret)); }

struct UserRow {
  UserId id = {};
  std::string name = {};     // as written
  std::string email = {};    // empty: none
  std::string password = {}; // PHC string
  bool admin = false;
  bool disabled = false;
  WallTime created{};
};
[[nodiscard]] inline Permissions permissions_of(const UserRow& user) {
  return {.chat_read = true, .chat_write = true, .admin = user.admin};
}

// Why a session has ended.
enum class SessionEnd : std::uint8_t {
  none,     // it has not
  logout,   // from the session itself
  ended,    // from another session of the same user: one, others, all
  reuse,    // a refresh token was reused after its successor had been used
  password, // the password changed
  too_many, // the user opened more than the limit; this was the least recently used
  disabled, // the user was disabled; enabling it again does not restore the session
};
[[nodiscard]] std::string_view to_string(SessionEnd end);

// One login on one device. Its refresh tokens are a family that ends with it.
struct SessionRow {
  SessionId id = {};
  UserId user = {};
  WallTime created{};
  WallTime last_seen{};
  std::string device = {}; // the User-Agent, made printable
  std::string address = {};
  std::string cookie_hash = {}; // digest of the cookie; empty: none
  SessionEnd end = SessionEnd::none;
};

// A refresh token, stored as its digest.
struct RefreshRow {
  std::string hash = {};
  SessionId session = {};
  WallTime created{};
  std::optional<WallTime> used = {}; // when it was exchanged for its successor
  bool successor_used = false;       // and the successor for the next one
};

// One line of the append-only audit. No secrets; `user` only when the user
// is known (a text typed as an unknown name may be a password).
struct AuditRow {
  WallTime at{};
  std::string action = {};  // register, login, refresh, …
  std::string outcome = {}; // OK or a code of the catalogue
  UserId user = {};         // empty: unknown
  std::string address = {};
  Ref ref = {};
  std::string detail = {};              // a session's id, "by command line", …
  std::uint64_t repeats = 0;            // of a refusal: the number of equal ones that were counted here and not written
  std::optional<WallTime> last_at = {}; // time of the last of them
};

// A second factor (RFC 6238). No code is required until it is confirmed.
struct SecondFactorRow {
  UserId user = {};
  std::string sealed_secret = {}; // store::SealKey over the raw secret, about "totp:USER"
  bool confirmed = false;
  WallTime created{};
  std::int64_t last_step = 0;             // the newest used time step; codes up to it are rejected
  std::vector<std::string> recovery = {}; // digests of the remaining recovery codes
};

// A service that may call this one, or get tokens for others.
struct ServiceSecretRow {
  std::string sealed_key = {}; // store::SealKey over auth::service_key(secret), about "service:ID"
  WallTime created{};
  // Fingerprints of the secret and of its typical miscopies (auth/contract/variants.h):
  // ("plus a newline", "1a2b3c4d"), … Empty when the secret is too weak to show one.
  std::vector<std::pair<std::string, std::string>> fingerprints = {};
};
struct ServiceRow {
  std::string id = {};                        // 1 to 64 of [A-Za-z0-9._:-]
  std::vector<ServiceSecretRow> secrets = {}; // one, or two while rotating; the newest first
  std::vector<std::string> may_call = {};     // ids of services; that of the auth service itself allows /internal/*
  bool disabled = false;
  WallTime created{};
};

// A signing key: future, current or past. The newest active one signs.
struct SigningKeyRow {
  std::string kid = {};        // RFC 7638 thumbprint
  std::string sealed_jwk = {}; // store::SealKey over the private JWK, about "key:KID"
  WallTime created{};
  WallTime active_from{};               // published before
  std::optional<WallTime> retired = {}; // when its successor began to sign; published until its last token has expired
};

struct InvitationRow {
  std::string hash = {}; // digest of the code
  WallTime created{};
  WallTime expires{};
};

} // namespace foyer::accounts

// What the accounts store keeps, as rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/refusal.h"

namespace foyer::accounts {

// How a secret is kept: base64url of its SHA-256. They are 256 bit random, so no salt is needed.
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
[[nodiscard]] inline Permissions permissions_of(const UserRow& user) { return {.chat_read = true, .chat_write = true, .admin = user.admin}; }

// Why a session is over.
enum class SessionEnd : std::uint8_t {
  none,     // it is not
  logout,   // by itself
  ended,    // from another session of the same user: one, others, all
  reuse,    // a refresh token came a second time after the grace
  password, // the password changed
  too_many, // the user opened more than the limit; this was the one unused longest
};
[[nodiscard]] std::string_view to_string(SessionEnd end);

// One login on one device. Its refresh tokens are a family: they live and die with it.
struct SessionRow {
  SessionId id = {};
  UserId user = {};
  WallTime created{};
  WallTime last_seen{};
  std::string device = {};      // the User-Agent, made printable
  std::string address = {};
  std::string cookie_hash = {}; // digest of the cookie; empty: none
  SessionEnd end = SessionEnd::none;
};

// A refresh token, by its digest.
struct RefreshRow {
  std::string hash = {};
  SessionId session = {};
  WallTime created{};
  std::optional<WallTime> used = {};
};

// One line of the append-only audit. No secrets; `user` only when it is known
// whose it is (what is typed as an unknown name may be a password).
struct AuditRow {
  WallTime at{};
  std::string action = {};  // register, login, refresh, …
  std::string outcome = {}; // OK or a code of the catalogue
  UserId user = {};         // empty: unknown
  std::string address = {};
  Ref ref = {};
  std::string detail = {};  // a session's id, "by command line", …
};

struct InvitationRow {
  std::string hash = {}; // digest of the code
  WallTime created{};
  WallTime expires{};
};

} // namespace foyer::accounts

#include <algorithm>

#include "base/bytes.h"
#include "base/http.h"
#include "rooms/model/room.h"

namespace foyer::rooms {
namespace {

constexpr std::size_t kNameBytes = 64;
constexpr std::size_t kUserBytes = 128;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool in_name(char c) { return is_lower(c) || is_digit(c) || c == '.' || c == '_' || c == '-'; }
bool in_user(char c) { return in_name(c) || is_upper(c) || c == ':' || c == '@' || c == '|'; }

bool in_public(char c) { return in_name(c) || is_upper(c) || c == ':'; }

// Colons separate namespaces: news:42.
bool is_public(std::string_view s) {
  return !s.empty() && s.size() <= kNameBytes && std::ranges::all_of(s, in_public) && !s.starts_with(':') &&
      !s.ends_with(':');
}
// The prefixes of the other kinds, in upper or lower case, so that nobody takes Private:x for a private room.
bool is_reserved(std::string_view prefix) {
  return iequals(prefix, "private") || iequals(prefix, "direct") || iequals(prefix, "user");
}

bool is_name(std::string_view s) { return !s.empty() && s.size() <= kNameBytes && std::ranges::all_of(s, in_name); }

// base64url(SHA-256), the id of a user whose subject at another issuer is not a valid id (auth/foreign_claims.h).
constexpr std::size_t kDigestBytes = 43;
bool in_digest(char c) { return is_lower(c) || is_upper(c) || is_digit(c) || c == '-' || c == '_'; }

bool is_user(std::string_view s) {
  if (s.empty() || s.size() > kUserBytes) return false;
  if (const auto tilde = s.find('~'); tilde != std::string_view::npos) {
    const std::string_view digest = s.substr(tilde + 1);
    if (digest.size() != kDigestBytes || !std::ranges::all_of(digest, in_digest)) return false;
    s = s.substr(0, tilde);
  }
  return std::ranges::all_of(s, in_user);
}

} // namespace

std::string_view to_string(RoomKind kind) {
  switch (kind) {
    case RoomKind::public_: return "public";
    case RoomKind::private_: return "private";
    case RoomKind::direct: return "direct";
    case RoomKind::own: return "own";
  }
  return "public";
}

Result<RoomKind> kind_of(std::string_view room) {
  const std::size_t colon = room.find(':');
  if ((colon == std::string_view::npos || !is_reserved(room.substr(0, colon))) && is_public(room))
    return RoomKind::public_;
  if (colon != std::string_view::npos) {
    const std::string_view prefix = room.substr(0, colon);
    const std::string_view rest = room.substr(colon + 1);
    if (prefix == "private" && is_name(rest)) return RoomKind::private_;
    if (prefix == "direct" && is_name(rest)) return RoomKind::direct;
    if (prefix == "user" && is_user(rest)) return RoomKind::own;
  }
  return refuse_field(Cause::ROOM_NAME_INVALID, "room", printable(room, 80));
}

} // namespace foyer::rooms

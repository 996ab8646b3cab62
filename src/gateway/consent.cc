#include "gateway/consent.h"

#include <algorithm>

#include "base/bytes.h"

namespace foyer::gateway {
namespace {

Result<Permissions> permissions_in(std::string_view scope) {
  for (std::string_view left = scope; !left.empty();) {
    const std::size_t end = std::min(left.find(' '), left.size());
    const std::string_view word = left.substr(0, end);
    if (!word.empty() && word != "chat:read" && word != "chat:write")
      return refuse_field(Cause::APP_ANSWER_INVALID, "claims.scope",
          "unknown scope " + printable(word, 64) + "; the scopes are chat:read and chat:write");
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return parse_scope(scope);
}

} // namespace

Result<admission::Consent> consent_of(const asking::ConnectAnswer& said) {
  admission::Consent out{.name = said.name, .expires_at = said.expires_at};
  if (said.scope) {
    TRY(permissions, permissions_in(*said.scope));
    out.permissions = permissions;
  }
  if (said.rooms) out.rooms = *said.rooms;
  return out;
}

} // namespace foyer::gateway

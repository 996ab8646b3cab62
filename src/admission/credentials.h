// Every place of a handshake that may hold a credential, with one reader.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.h"
#include "base/refusal.h"

namespace foyer::admission {

// A value found where a credential may be, in the words of ?auth=.
struct FoundCredential {
  std::string_view where = {}; // header, subprotocol, ticket, url, cookie
  bool is_ticket = false;
  bool is_cookie = false;
  std::string credential = {};
  std::optional<Refusal> malformed = {};
};

// Everything in the request that is a credential, or was meant as one. `cookies`: the values of the session cookie.
[[nodiscard]] std::vector<FoundCredential> find_credentials(
    const Request& request, bool token_in_url, std::vector<std::string> cookies);

} // namespace foyer::admission

// Where a handshake carries a credential: subprotocol offers and the query. One
// reader for all callers (the door, the check for proxies), so that they
// never interpret one request differently.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.h"

namespace foyer::wire {

[[nodiscard]] bool says_websocket(const Request& request);        // Upgrade holds the token websocket
[[nodiscard]] bool has_websocket_headers(const Request& request); // any Sec-WebSocket-*
// Whether a comma-separated list header names `word`, ignoring case.
[[nodiscard]] bool list_holds(const Request& request, std::string_view name, std::string_view word);

// The values of Sec-WebSocket-Protocol, in order; views into the request.
[[nodiscard]] std::vector<std::string_view> offered_subprotocols(const Request& request);
// bearer.…: the credential form that is accepted. Without the prefix.
[[nodiscard]] std::optional<std::string_view> bearer_offer(std::string_view offer);
// The token in the result of bearer_offer(): a JWT as it is, or base64url of one. nullopt: neither.
[[nodiscard]] std::optional<std::string> token_of_offer(std::string_view value);

// Every value of an argument of `query` (without '?'), decoded; empty if it cannot be decoded.
[[nodiscard]] std::vector<std::string> query_values(std::string_view query, std::string_view name);

} // namespace foyer::wire

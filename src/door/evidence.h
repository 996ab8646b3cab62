// Reading a handshake request: what it offers, announces and carries. Pure
// functions over Request; the order in which they are asked is door.cc's.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.h"
#include "base/refusal.h"
#include "door/door.h"

namespace foyer::door {

// Step 3: method, upgrade headers (RFC 6455 §4.2.1), version. In that order.
[[nodiscard]] std::optional<Refusal> check_method(const Request& request);
[[nodiscard]] std::optional<Refusal> check_upgrade(const Request& request);
[[nodiscard]] bool says_websocket(const Request& request);         // Upgrade holds the token websocket
[[nodiscard]] bool has_websocket_headers(const Request& request);  // any Sec-WebSocket-*
[[nodiscard]] const SocketPath* find_socket(const DoorPolicy& policy, std::string_view path);
// What was asked for, and where the socket is.
[[nodiscard]] Refusal unknown_path(const DoorPolicy& policy, std::string_view path);

// The values of Sec-WebSocket-Protocol, in order; views into the request.
[[nodiscard]] std::vector<std::string_view> offered_subprotocols(const Request& request);
// bearer.…: the credential form that we accept. Without the prefix.
[[nodiscard]] std::optional<std::string_view> bearer_offer(std::string_view offer);
// What is not to be echoed: bearer.…, jwt.…, a JWT as it stands, or longer than 64 bytes.
[[nodiscard]] bool looks_like_credential(std::string_view offer);
[[nodiscard]] bool is_token_word(std::string_view text); // RFC 9110 §5.6.2

// Every value of a query argument, decoded; one that cannot be decoded is empty.
[[nodiscard]] std::vector<std::string> query_values(const Request& request, std::string_view name);
// Every value of a cookie in the request.
[[nodiscard]] std::vector<std::string> cookie_values(const Request& request, std::string_view name);

} // namespace foyer::door

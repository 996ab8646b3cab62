// Reads a handshake request: what it offers, announces and carries. Pure
// functions over Request; door.cc decides the order of the calls.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admission/door.h"
#include "base/http.h"
#include "base/refusal.h"
#include "wire/credentials.h"

namespace foyer::admission {

using wire::bearer_offer;
using wire::offered_subprotocols;

// Step 3 begins with the method; upgrade.h checks the upgrade.
[[nodiscard]] std::optional<Refusal> check_method(const Request& request);
[[nodiscard]] const SocketPath* find_socket(const DoorPolicy& policy, std::string_view path);
// The path that was requested, and where the socket is.
[[nodiscard]] Refusal unknown_path(const DoorPolicy& policy, std::string_view path);

// Values that must not be echoed: bearer.…, jwt.…, a bare JWT, or longer than 64 bytes.
[[nodiscard]] bool looks_like_credential(std::string_view offer);
[[nodiscard]] bool is_token_word(std::string_view text); // RFC 9110 §5.6.2

// Every value of a query argument, decoded; one that cannot be decoded is empty.
[[nodiscard]] inline std::vector<std::string> query_values(const Request& request, std::string_view name) {
  return wire::query_values(request.query, name);
}

} // namespace foyer::admission

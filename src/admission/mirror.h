// What this server saw of a request, for the one who sent it: `foyer doctor` compares it with what it sent, and the
// difference is the work of whatever stands between the two.
#pragma once

#include <optional>
#include <string_view>

#include "admission/policy.h"
#include "base/http.h"
#include "base/json.h"
#include "base/refusal.h"

namespace foyer::admission {

// The header in which a doctor's token comes (`foyer token issue --typ doctor+jwt`).
inline constexpr std::string_view kDoctorHeader = "X-Foyer-Doctor";
inline constexpr std::string_view kDoctorTokenType = "doctor+jwt";

// Members (null where the request has none): http_version, method, path (without base_path), base_path, host, origin,
// upgrade, connection, key (of the handshake), version, extensions, subprotocols, via, x_forwarded_proto,
// x_forwarded_for, address and scheme (of the client, as concluded), header_bytes, headers and cookies (names only),
// auth (where credentials were found) and token (of the first that is a JWT: alg, kid, typ, iss, aud, exp; not
// verified). Credentials are never repeated, and values end after 256 bytes.
[[nodiscard]] json::Object seen(const DoorPolicy& policy, const Request& request);

// Puts it as `saw` into a problem (RFC 9457) that answers a handshake or a request to a socket's path; or, if the
// doctor was `refused`, that code as `doctor`.
void add_mirror(
    const DoorPolicy& policy, const Request& request, const std::optional<Refusal>& refused, Response& response);

} // namespace foyer::admission

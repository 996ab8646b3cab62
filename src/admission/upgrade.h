// What is wrong with the upgrade part of a handshake, and which proxy caused it. Pure.
#pragma once

#include <optional>

#include "base/http.h"
#include "base/refusal.h"

namespace foyer::admission {

// RFC 6455 §4.2.1: upgrade headers, key, version, extensions. In that order.
[[nodiscard]] std::optional<Refusal> check_upgrade(const Request& request);

} // namespace foyer::admission

// How long an answer asks to wait.
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/http.h"

namespace foyer::client {

// The header Retry-After in seconds (RFC 9110, 10.2.3). Nothing: it is absent, a date, or no number below 2^32. The
// caller bounds it.
[[nodiscard]] std::optional<Millis> retry_after(const Response& answer);

} // namespace foyer::client

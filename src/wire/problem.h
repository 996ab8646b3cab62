// application/problem+json (RFC 9457) from a Refusal, with the headers that
// belong to it: WWW-Authenticate on 401, Retry-After where waiting helps, Upgrade
// on 426.
#pragma once

#include "base/http.h"
#include "base/refusal.h"

namespace foyer::wire {

// `reveal`: the full operator's text goes into `detail` too (ENVIRONMENT=development).
[[nodiscard]] Response problem(const Refusal& refusal, const Ref& ref, bool reveal);

} // namespace foyer::wire

// Translates the application's answer to `connect` into what the door applies to the connection.
#pragma once

#include "admission/door.h"
#include "asking/asking.h"
#include "base/refusal.h"

namespace foyer::gateway {

// APP_ANSWER_INVALID for a scope with other words than chat:read and chat:write.
[[nodiscard]] Result<admission::Consent> consent_of(const asking::ConnectAnswer& said);

} // namespace foyer::gateway

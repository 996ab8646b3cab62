// One attempt to send an event: the request, and what its answer means.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "client/http_pool.h"
#include "engine/hooks.h"
#include "hooks/delivery.h"

namespace foyer::hooks {

// {"type":…,"timestamp":…,"data":{…}}: the time is that of the event.
[[nodiscard]] std::string body_of(const engine::HookEvent& event);
// `target`: path and query. Signed at `now`.
[[nodiscard]] client::PoolCall request_of(const engine::HookEvent& event, std::string_view target,
    std::span<const std::string> keys, std::string_view user_agent, WallTime now);
[[nodiscard]] Outcome outcome_of(const client::HttpResult& answer);

} // namespace foyer::hooks

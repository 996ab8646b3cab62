// The credential of a request to the server API.
#pragma once

#include <optional>
#include <string>

#include "base/http.h"
#include "base/refusal.h"

namespace foyer::api {

// `X-API-Key: KEY`, `Authorization: apikey KEY` or `?api_key=KEY`. Nothing: none was sent. AMBIGUOUS_CREDENTIALS for
// two that differ, or for a repeated header.
[[nodiscard]] Result<std::optional<std::string>> sent_key(const Request& request);

} // namespace foyer::api

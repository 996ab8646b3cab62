// The credential of a request to the server API.
#pragma once

#include "api/caller.h"
#include "base/http.h"
#include "base/refusal.h"

namespace foyer::api {

// `X-API-Key: KEY`, `Authorization: apikey KEY` or `?api_key=KEY`, or a service's token as `Authorization: Bearer
// TOKEN`. AMBIGUOUS_CREDENTIALS for two that differ, or for a repeated header.
[[nodiscard]] Result<Credential> sent_credential(const Request& request);

} // namespace foyer::api

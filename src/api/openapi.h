// The description of the server API for programs: its part of the OpenAPI 3.1 document, made of the table of methods.
#pragma once

#include "api/user_ids.h"
#include "base/json.h"

namespace foyer::api {

// `users`: how a request may name users.
[[nodiscard]] json::Object described_paths(const UserIds& users);
[[nodiscard]] json::Object described_components();

} // namespace foyer::api

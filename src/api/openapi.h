// The description of the server API for programs: its part of the OpenAPI 3.1 document, made of the table of methods.
#pragma once

#include "base/json.h"

namespace foyer::api {

[[nodiscard]] json::Object described_paths();
[[nodiscard]] json::Object described_components();

} // namespace foyer::api

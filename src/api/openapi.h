// The description of the server API for programs: OpenAPI 3.1, made of the table of methods.
#pragma once

#include <string>
#include <string_view>

#include "base/http.h"

namespace foyer::api {

struct Description {
  std::string_view version;   // of Foyer
  std::string_view base_path; // of PUBLIC_URL: "" or /path
  std::size_t text_bytes = 0;
};
[[nodiscard]] std::string openapi(const Description& description);

// GET /openapi.json, without a key.
[[nodiscard]] Route openapi_route(const Description& description);

} // namespace foyer::api

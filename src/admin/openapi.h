// The OpenAPI 3.1 document of a server, written from the operations that its routes were made from.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.h"
#include "base/json.h"
#include "base/operation.h"

namespace foyer::admin {

// What a module answers over HTTP: a table, or, from a module with a richer table of its own, parts of the document.
struct Described {
  std::span<const Operation> operations = {};
  std::span<const NamedSchema> schemas = {};
  json::Object paths = {};      // {"/path":{"post":{…}}}
  json::Object components = {}; // {"schemas":{…},"securitySchemes":{…}}
};
struct OpenApiInfo {
  std::string version;
  std::string server; // the base of all paths: PUBLIC_URL, or "/"
};

// An operation that names an unknown schema, a schema that is not JSON, and two operations or schemas of the same name
// are bugs: std::logic_error.
[[nodiscard]] std::string openapi(const std::vector<Described>& modules, const OpenApiInfo& info);

// GET /openapi.json, without a credential.
[[nodiscard]] Route openapi_route(std::string document);

} // namespace foyer::admin

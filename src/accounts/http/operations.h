// The operations of the accounts over HTTP, as data: their routes are made from these rows, their bodies are checked by
// them, and /openapi.json is written from them.
#pragma once

#include <span>
#include <string_view>

#include "base/operation.h"

namespace foyer::accounts {

[[nodiscard]] std::span<const Operation> operations();
[[nodiscard]] std::span<const NamedSchema> schemas();

// A route that is not in the table is a bug: std::logic_error.
[[nodiscard]] const Operation& operation(std::string_view method, std::string_view path);

} // namespace foyer::accounts

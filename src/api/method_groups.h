// The parts of the table of methods.
#pragma once

#include <span>

#include "api/method.h"

namespace foyer::api {

[[nodiscard]] std::span<const Method> message_methods();
[[nodiscard]] std::span<const Method> room_methods();
[[nodiscard]] std::span<const Method> access_methods();
[[nodiscard]] std::span<const Method> client_methods();

} // namespace foyer::api

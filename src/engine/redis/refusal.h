// What a failure of the bus is to those who use the engine.
#pragma once

#include "base/refusal.h"
#include "redis/failure.h"

namespace foyer::engine {

[[nodiscard]] Refusal refusal_of(const redis::Failure& failure);

} // namespace foyer::engine

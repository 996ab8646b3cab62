// Who waits for the result of work that ends later.
#pragma once

#include <expected>
#include <functional>

#include "base/refusal.h"

namespace foyer {

// Called exactly once, with the result or with why there is none. On which thread, and whether before the call
// that took it returns, is for that call to say.
template <class T, class Error = Refusal>
using Completion = std::move_only_function<void(std::expected<T, Error>)>;

} // namespace foyer

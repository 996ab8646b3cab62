// The callback that receives the result of asynchronous work.
#pragma once

#include <expected>
#include <functional>

#include "base/refusal.h"

namespace foyer {

// Called exactly once, with the result or a refusal. The call that takes it documents the thread, and whether the
// completion may run before that call returns.
template <class T, class Error = Refusal>
using Completion = std::move_only_function<void(std::expected<T, Error>)>;

} // namespace foyer

// A copy of a data directory in one file, taken while a server uses it: a consistent
// snapshot of every database, and the small files beside them (keys,
// generated secrets, the environment). The file appears complete or not at all.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/refusal.h"

namespace foyer::store {

struct BackedUp {
  std::vector<std::string> files; // by name
  std::uint64_t bytes = 0;        // of their contents
};

// `copied` is called with the name and the path of each database's copy before it is
// packed. An existing file is replaced. DATA_UNWRITABLE, STORE_FULL, STORE_LOCKED,
// STORE_FAILED (a damaged database, too), NOT_FOUND when there is no database to copy.
[[nodiscard]] Result<BackedUp> back_up(const std::string& data, const std::string& file, const Clock& clock,
    const std::function<Result<void>(const std::string& name, const std::string& copy)>& copied);

} // namespace foyer::store

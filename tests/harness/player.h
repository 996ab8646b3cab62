// Plays a scenario against a node and says where it went otherwise.
// The statements are explained in tests/scenarios/README.md.
#pragma once

#include <optional>
#include <string>

#include "harness/node.h"
#include "harness/recording.h"
#include "harness/script.h"

namespace foyer::harness {

struct Difference {
  int line = 0;
  std::string statement;
  std::string what; // what was expected and what was heard instead, in several lines
};

struct PlayOptions {
  std::size_t piece = 0;          // bytes arrive in pieces of this size; 0: as they are sent
  bool busy = false;              // signatures wait for a later turn of the loop
  Settings settings = {};         // before those of the script
  Recording* recording = nullptr; // where everything that passes is written down, if it is
};

[[nodiscard]] std::optional<Difference> play(const Script& script, const PlayOptions& options = {});

} // namespace foyer::harness

// Messages between nodes as bytes: what is read is written as the same bytes.
#include "engine/control_bytes.h"
#include "fuzz.h"

using namespace foyer::engine;

FUZZER(control_bytes) {
  const auto message = read_control(input);
  if (message) invariant(to_bytes(*message) == input, "a message is written as it was read");
}

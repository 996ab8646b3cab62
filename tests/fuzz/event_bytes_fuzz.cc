// Events as bytes: what is read is written as the same bytes, so there is one form of each.
#include "fuzz.h"
#include "rooms/model/event_bytes.h"

using namespace foyer::rooms;

FUZZER(event_bytes) {
  const auto event = read_event(input);
  if (event) {
    invariant(to_bytes(*event) == input, "an event is written as it was read");
    invariant(input.size() <= kMostEventBytes, "an event is bounded");
  } else if (event.error() == EventFault::unknown_version) {
    invariant(static_cast<unsigned char>(input[0]) > kEventVersion, "only a later version is unknown");
  }
}

// How webhooks are sent.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace foyer::hooks {

struct DeliveryPolicy {
  Millis first_pause{1'000};              // after a failure; doubles
  Millis longest_pause{10 * 60'000};      // also of a Retry-After
  Millis give_up{std::chrono::hours{24}}; // since an event came to the outbox; then it is a dead letter
  std::uint32_t tries_refused = 3;        // of an event that is answered 4xx
  std::size_t concurrency = 8;            // requests at once, each about another room
  std::size_t in_memory = 1'000;          // events that were read
  std::size_t of_a_room = 64;             // of them
  std::size_t page = 256;                 // read at once
};

struct SenderPolicy {
  DeliveryPolicy delivery = {};
  Millis connect_timeout{5'000};
  Millis timeout{15'000};    // of an attempt
  Millis look_every{500};    // for changes of the hooks
  Millis trim_every{60'000}; // events beyond the limits of the outbox
  Millis store_pause{1'000}; // after the store failed
};

} // namespace foyer::hooks

// Settings for calls to the auth service. Options of config/table.h point here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "auth/breaker.h"
#include "auth/cache.h"
#include "auth/people_source.h"
#include "base/clock.h"

namespace foyer::auth {

struct ClientPolicy {
  Millis auth_deadline{2'000};      // one whole call
  Millis auth_attempt_timeout{600}; // one attempt
  Millis auth_connect_timeout{300}; // the connection of one attempt
  std::uint32_t auth_attempts = 3;
  BreakerPolicy breaker = {}; // its trial_limit is auth_deadline
  CachePolicy cache = {};
  std::size_t questions = 10'000; // in progress at once; above: BUSY
  PeoplePolicy people = {};       // its timeouts are those of one attempt
};

struct RevocationPolicy {
  Millis max_age{5 * 60'000};          // silence longer than this: REVOCATION_UNCHECKED
  Millis token_life{24LL * 3'600'000}; // the longest life of a token: an older event affects no valid token
  std::size_t table_size = 1'000'000;  // events stored
};

struct KeySetPolicy {
  std::string target = "/.well-known/jwks.json"; // at the transport's server
  Millis interval{60'000};
  Millis cool_down{30'000};
  Millis max_age{60 * 60'000}; // how long the last good set serves
  Millis connect_timeout{1'000};
  Millis timeout{5'000};
};

} // namespace foyer::auth

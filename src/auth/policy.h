// Settings for calls to the auth service. Options of config/table.h point here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "auth/breaker.h"
#include "auth/cache.h"
#include "auth/people_source.h"
#include "base/clock.h"
#include "jose/algorithm.h"

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

// An issuer's OpenID Connect metadata, which names its key set.
struct Discovery {
  std::string target; // of the document, at the transport's server
  std::string issuer; // what it must name, byte for byte
  std::string origin; // on which the key set must be
};

struct KeySetPolicy {
  std::string target = "/.well-known/jwks.json"; // at the transport's server
  std::string issuer = {};                       // the name of a trusted issuer; empty: our own auth service
  std::optional<Discovery> discovery = {};       // then `target` comes from its document
  std::vector<jose::Algorithm> algorithms = {};  // the only ones; empty: those of the keys
  Millis interval{60'000};
  Millis cool_down{30'000};
  Millis max_age{60 * 60'000}; // how long the last good set serves
  Millis connect_timeout{1'000};
  Millis timeout{5'000};
};

// Another service whose tokens are accepted. config/entry_tables.cc says what each member means.
struct TrustedIssuer {
  std::string name;
  std::string issuer;
  bool discovery = false;
  std::string jwks_url, ca_file, secret_file, public_key_file;
  std::vector<std::string> audience, algorithms;
  std::vector<std::string> token_types{"JWT", "at+jwt"};
  std::vector<std::string> require{"sub", "exp"};
  std::map<std::string, std::string> map{{"user", "sub"}, {"name", "name"}, {"scope", "scope"}, {"rooms", "rooms"}};
  std::vector<std::string> allow_scopes{"chat:read", "chat:write"};
  std::map<std::string, std::string> scope_map; // "PATH:VALUE" to a scope
  std::string default_scope = "chat:read chat:write";
  std::string user_prefix;
};

} // namespace foyer::auth

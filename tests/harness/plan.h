// What a node of the harness is configured with: the shipped defaults, and what `given` changes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "auth/contract/messages.h"
#include "base/clock.h"
#include "config/options.h"
#include "harness/node.h"
#include "observe/build_info.h"

namespace foyer::harness {

inline constexpr std::string_view kIssuer = kNodeOrigin;
inline constexpr std::string_view kAudience = "foyer";
inline constexpr std::string_view kEnvironment = "test";
inline constexpr std::string_view kTokenSecret = "a-secret-of-the-harness-of-40-characters";

// The shipped defaults, for a node at kNodeOrigin whose passwords cost little.
[[nodiscard]] config::Config config_of_a_node();

// What `given` can change: the options of the server, and what only a test has.
struct Plan {
  config::Config config = config_of_a_node();
  std::uint64_t entropy = 1;       // what FixedEntropy begins with
  Millis begun{1'700'000'000'000}; // the time of day at first, since 1970
  std::string asks = {};           // the events about which the scripted application is asked: "connect,refresh"
  bool accounts = false;           // the real auth service in this process, instead of the scripted one
};

// Throws std::invalid_argument for a setting that is not known.
[[nodiscard]] Plan plan_of(const Settings& settings);

[[nodiscard]] observe::BuildInfo build_info();
// What the auth service says of itself when it is another process: it fits this gateway.
[[nodiscard]] auth::ChallengeAnswer auth_facts();

} // namespace foyer::harness

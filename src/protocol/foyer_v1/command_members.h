// The members of a client's message as written in its JSON, before the command is known.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/foyer_v1/command_decoder.h"

namespace foyer::protocol {

// A member of some command. Its type is checked only if the command uses it; otherwise it is ignored, like an unknown
// member.
template <class T>
struct Member {
  enum class State : std::uint8_t { absent, good, wrong } state = State::absent;
  T value{};
  void good(T v) { state = State::good, value = v; }
  void wrong() { state = State::wrong; }
  [[nodiscard]] bool is_good() const { return state == State::good; }
};

struct Members {
  Member<std::string_view> type, token, ticket, room, user, name, message, key, request, agent, run, after_room;
  Member<std::uint64_t> id, limit, before, after, offset, max_message;
  Member<bool> on;
  Member<Since> since;
  Member<Features> features;
  Member<std::string_view> data; // the JSON text
};

// An error in the JSON itself.
struct Broken {
  std::string what;
  std::string field = {}; // the member at fault, if it is known
};
using Walk = std::optional<Broken>;

// Reads and validates one whole object into `members`, whose strings point into the parser. REQUIRES: simdjson's
// padding after `text`.
[[nodiscard]] Walk read_members(simdjson::ondemand::parser& parser, std::string_view text, Members& members);

} // namespace foyer::protocol

// What a node of a cluster says of a key that it does not have.
#pragma once

#include <optional>
#include <string_view>

#include "redis/endpoint.h"
#include "redis/slots.h"

namespace foyer::redis {

struct Redirect {
  bool ask = false; // this command only, after ASKING; otherwise the slot has moved
  Slot slot = 0;
  Endpoint to = {};
  friend bool operator==(const Redirect&, const Redirect&) = default;
};

// Of "MOVED 3999 127.0.0.1:6381": the port follows the last colon, IPv6 has no brackets, and without a host it is the
// one that was asked. Nothing: it is another error.
[[nodiscard]] std::optional<Redirect> read_redirect(std::string_view error, const Endpoint& asked);

} // namespace foyer::redis

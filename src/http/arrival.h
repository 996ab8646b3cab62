// The permits that an accepted socket takes before anything is read from it.
//
//   a permit of connection_limit, of handshake_limit, and of its address
//        │ one of these limits is reached
//        ▼
//   a permit for sockets that are read only to be sent the refusal (refused_sockets)
//        │ this limit is reached, too
//        ▼
//   refused at once, without reading
#pragma once

#include <optional>
#include <string_view>

#include "admission/permit.h"
#include "base/clock.h"
#include "base/refusal.h"

namespace foyer::http {

struct Deps;
struct Policy;

struct Arrival {
  admission::Permit socket;    // until the socket is closed: of connection_limit, or of refused_sockets
  admission::Permit handshake; // until the first answer
  admission::Permit address;   // until the client is admitted or refused
  std::optional<Refusal> full; // the limit that was reached: the refusal to send
  [[nodiscard]] bool has_place() const { return static_cast<bool>(socket); }
};

[[nodiscard]] Arrival arrive(const Policy& policy, const Deps& deps, std::string_view peer, MonoTime now);

} // namespace foyer::http

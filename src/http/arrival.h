// The permits of an accepted socket, taken before anything is read from it.
//
//   a place in connection_limit, in handshake_limit, and among those of its address
//        │ one limit is reached
//        ▼
//   a place among the sockets that are read only to be refused
//        │ that limit is reached, too
//        ▼
//   refused at once, unread
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
  admission::Permit socket;    // until it is closed: one of connection_limit, or of refused_sockets
  admission::Permit handshake; // until its first answer
  admission::Permit address;   // until it is admitted or refused
  std::optional<Refusal> full; // CONNECTION_LIMIT or HANDSHAKE_LIMIT: the refusal to send
  [[nodiscard]] bool has_place() const { return static_cast<bool>(socket); }
};

[[nodiscard]] Arrival arrive(const Policy& policy, const Deps& deps, std::string_view peer, MonoTime now);

} // namespace foyer::http

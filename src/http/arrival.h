// What a socket is given when it is accepted, before anything of it was read.
//
//   a place among all, among those without an answer, and of its address
//        │ one of them is full
//        ▼
//   a place among those that are read only to be told so
//        │ full, too
//        ▼
//   the answer at once, unread
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
  std::optional<Refusal> full; // CONNECTION_LIMIT or HANDSHAKE_LIMIT: what it is told
  [[nodiscard]] bool has_place() const { return static_cast<bool>(socket); }
};

[[nodiscard]] Arrival arrive(const Policy& policy, const Deps& deps, std::string_view peer, MonoTime now);

} // namespace foyer::http

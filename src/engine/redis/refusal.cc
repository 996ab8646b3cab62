#include "engine/redis/refusal.h"

namespace foyer::engine {
namespace {

using Kind = redis::Failure::Kind;

Cause cause_of(Kind kind) {
  switch (kind) {
    case Kind::full:
    case Kind::memory: return Cause::BUSY;
    case Kind::login: return Cause::BUS_REFUSED;
    case Kind::no_primary: return Cause::SENTINEL_UNREACHABLE;
    case Kind::moved:
    case Kind::read_only:
    case Kind::refused: return Cause::BUS_UNSUITABLE;
    case Kind::unreachable:
    case Kind::tls:
    case Kind::lost:
    case Kind::timeout:
    case Kind::protocol:
    case Kind::closed:
    case Kind::loading:
    case Kind::split:
    case Kind::no_script: break;
  }
  return Cause::BUS_UNREACHABLE;
}

} // namespace

Refusal refusal_of(const redis::Failure& failure) {
  return {.cause = cause_of(failure.kind),
      .evidence = failure.what + " (" + std::string(to_string(failure.kind)) +
          (failure.maybe_done ? ", may have been carried out)" : ")")};
}

} // namespace foyer::engine

#include "engine/redis/refusal.h"

namespace foyer::engine {
namespace {

using Kind = redis::Failure::Kind;

Cause cause_of(Kind kind) {
  switch (kind) {
    case Kind::full:
    case Kind::loading: return Cause::BUSY;
    case Kind::timeout: return Cause::STORE_TIMEOUT;
    case Kind::read_only: return Cause::STORE_READ_ONLY;
    case Kind::memory: return Cause::STORE_FULL;
    case Kind::unreachable:
    case Kind::tls:
    case Kind::login:
    case Kind::lost:
    case Kind::protocol:
    case Kind::closed:
    case Kind::moved:
    case Kind::no_script:
    case Kind::refused: break;
  }
  return Cause::STORE_FAILED;
}

} // namespace

Refusal refusal_of(const redis::Failure& failure) {
  return {.cause = cause_of(failure.kind),
      .evidence = failure.what + " (" + std::string(to_string(failure.kind)) +
          (failure.maybe_done ? ", may have been carried out)" : ")")};
}

} // namespace foyer::engine

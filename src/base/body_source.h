// The body of an answer that is made while it is sent: for answers that are long or have no end. No route has one yet;
// server-sent events (SSE) will.
#pragma once

#include <string>

#include "base/completion.h"

namespace foyer {

// Called on the loop of its connection: it must not block. Destroyed when the answer is over or the client has gone,
// also while a piece is awaited; the completion is then dropped uncalled, or called for nobody.
//
// A client that has gone is noticed when something is sent to it, so a source that is silent for long sends what its
// clients ignore. How long a source may take is its own to limit.
class BodySource {
 public:
  struct Piece {
    std::string bytes; // some 10 KiB: so much waits for the client. Empty: nothing is sent for it
    bool last = false;
  };
  virtual ~BodySource() = default;
  // Asks for the next piece: once the client's socket has taken all before it, and never while one is awaited. `give`
  // may be called from any thread, and at once. With a refusal the connection is cut, so that no client takes a part of
  // the body for all of it.
  virtual void next(Completion<Piece> give) = 0;
  // The server drains: a body without an end should come to its end. Called again and again until it has.
  virtual void finish() {}
};

} // namespace foyer

// A response body that is produced while it is sent: for long or endless responses.
#pragma once

#include <string>

#include "base/completion.h"

namespace foyer {

// Called on the loop of its connection: it must not block. Destroyed when the response has ended or the client has
// left, also while a piece is awaited; the completion is then dropped uncalled, or calling it has no effect.
//
// A client that has left is noticed only when something is sent to it, so a source that is silent for long should send
// something that its clients ignore. A source limits its own duration.
class BodySource {
 public:
  struct Piece {
    std::string bytes; // some 10 KiB, which are buffered for the client. Empty: nothing is sent for it
    bool last = false;
  };
  virtual ~BodySource() = default;
  // Requests the next piece: once the client's socket has taken all before it, and never while one is awaited. `give`
  // may be called from any thread, and at once. With a refusal the connection is cut, so that no client mistakes a part
  // of the body for the whole.
  virtual void next(Completion<Piece> give) = 0;
  // The server drains: an endless body should end. Called repeatedly until it has.
  virtual void finish() {}
};

} // namespace foyer

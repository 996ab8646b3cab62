// The hand-over from HTTP to another protocol. The handler gets the transport and all bytes read so far, and the HTTP
// connection is deleted. A handler that refuses the upgrade gives the transport back with the answer.
#pragma once

#include <string>

#include "base/http.h"
#include "http/arrival.h"
#include "io/transport.h"

namespace foyer::http {

// The answer to a refused upgrade. The connection ends with it.
struct LastAnswer {
  Request request;
  Response response;
  admission::Permit socket;
  bool unread_input = false; // the client is still sending; its bytes must not reach a closed socket (RFC 9112 §9.6)
};

class LastAnswers {
 public:
  virtual ~LastAnswers() = default;
  // Sends the answer and ends the connection. Sets the transport's handler.
  virtual void answer_last(io::Transport& transport, LastAnswer answer) = 0;
};

struct Upgrade {
  Request request;
  std::string early_bytes;  // bytes that followed the request
  bool input_ended = false; // the client sends nothing more
  Arrival permits;
  LastAnswers* answers = nullptr; // the one of this loop; outlives all transports
};

// One per loop.
class UpgradeHandler {
 public:
  virtual ~UpgradeHandler() = default;
  // Takes over the transport: sets its handler, or gives it back to `upgrade.answers` at once.
  virtual void take(io::Transport& transport, Upgrade upgrade) = 0;
};

} // namespace foyer::http

// The network and the executor of all code in this folder that calls another
// process: as interfaces, so that every fault in every phase is tested in virtual
// time. All calls and answers on the control plane's thread.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "base/http.h"
#include "base/log.h"
#include "base/metrics.h"
#include "client/http_client.h"

namespace foyer::auth {

// One attempt at one request. The transport has the server's address: a Call has only the request.
struct Call {
  std::string method = "POST";
  std::string target = {}; // path and query
  Headers headers = {};    // Host, Content-Length and Connection are set by the transport
  std::string body = {};
  Millis connect_timeout{300}; // resolving, connecting, TLS
  Millis timeout{600};         // from here to the end of the answer
  // If a persistent connection turns out to be closed before any byte of the answer: resend the same bytes on a
  // new one. Not for signed requests: if the first had arrived after all, the second would be a replay.
  bool repeatable = false;
  bool own_connection = false; // a long poll: does not occupy a connection of the pool
};

class Transport {
 public:
  virtual ~Transport() = default;
  // `done` is called once, later, never from inside send(); not at all after the process ends.
  virtual void send(Call call, client::HttpCompletion done) = 0;
};

// The dependencies of all callers; outlives them.
struct Context {
  const Clock& clock;
  Entropy& entropy;
  Log& log;
  Metrics& metrics;
  Transport& transport;
  Executor& control;
};

} // namespace foyer::auth

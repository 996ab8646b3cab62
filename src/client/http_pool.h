// HTTP/1.1 to one server over connections that are kept: a bounded number of
// them, each for one request at a time. Requests that find none free wait, bounded
// too; their deadline runs. A long poll asks for a connection of its own, so that
// it never blocks others.
//
// A connection that is idle is given up before the server would do so (75 s), and
// when the server closes it. That both may happen at the moment at which a request
// is written cannot be avoided: a request that says it may be repeated is then
// sent once more, on a fresh connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/http.h"
#include "client/http_client.h"
#include "client/link.h"

namespace foyer::client {

struct PoolOptions {
  wire::Url server = {}; // http or https; a path is put before each target
  TlsOptions tls = {};
  std::size_t connections = 8; // in use at one time, besides those of long polls; also how many are kept idle
  std::size_t waiting = 256;   // requests that wait for one; more are answered with a timeout at once
  Millis idle_timeout{30'000};
  std::size_t answer_bytes = 1024 * 1024; // of a body
};

struct PoolCall {
  std::string method = "GET";
  std::string target = "/"; // path and query
  Headers headers = {};     // Host, Content-Length, Transfer-Encoding and Connection are the pool's
  std::string body = {};
  Millis connect_timeout{300}; // resolving, connecting, TLS
  Millis timeout{600};         // from send() to the end of the answer
  bool repeatable = false;     // see above
  bool own_connection = false; // counts neither against `connections` nor waits for one
};

// What the pool acts through.
struct PoolDriver {
  std::function<std::weak_ptr<Link>(LinkTarget, Link::Events)> open;
  Executor& control;
};
[[nodiscard]] PoolDriver pool_driver(exec::ControlPlane& plane);

// All calls and answers on the plane's thread.
class HttpPool {
 public:
  HttpPool(PoolDriver driver, PoolOptions options);
  ~HttpPool(); // on the plane's thread, or when it has stopped; closes all, calls nobody
  HttpPool(const HttpPool&) = delete;
  HttpPool& operator=(const HttpPool&) = delete;

  // `done` is called once, later.
  void send(PoolCall call, HttpCompletion done);

  [[nodiscard]] std::size_t busy() const; // connections in use, with those of long polls
  [[nodiscard]] std::size_t idle() const;
  [[nodiscard]] std::size_t waiting() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

} // namespace foyer::client

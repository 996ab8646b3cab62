// HTTP/1.1 to one server over connections that are kept: a bounded number of
// them, each for one request at a time. Requests that find none free wait in a bounded
// queue, with their deadline running. A long poll uses a connection of its own, so that
// it never blocks others.
//
// An idle connection is closed before the server would do so (75 s), and
// when the server closes it. A server may still close it at the moment at which a request
// is written: a request that is marked as repeatable is then
// sent once more, on a new connection.
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
  wire::Url server = {}; // http or https; a path is prepended to each target
  TlsOptions tls = {};
  std::size_t connections = 8; // in use at one time, besides those of long polls; also how many stay open when idle
  std::size_t waiting = 256;   // requests waiting for one; further ones fail with a timeout at once
  Millis idle_timeout{30'000};
  std::size_t answer_bytes = 1024 * 1024; // of a body
  Reach reach = Reach::any;
};

struct PoolCall {
  std::string method = "GET";
  std::string target = "/"; // path and query
  Headers headers = {};     // Host, Content-Length, Transfer-Encoding and Connection are set by the pool
  std::string body = {};
  Millis connect_timeout{300}; // resolving, connecting, TLS
  Millis timeout{600};         // from send() to the end of the answer
  bool repeatable = false;     // see above
  bool own_connection = false; // does not count against `connections` and does not wait for one
};

// The pool's access to the network.
struct PoolDriver {
  std::function<std::weak_ptr<Link>(LinkTarget, Link::Events)> open;
  Executor& control;
};
[[nodiscard]] PoolDriver pool_driver(exec::ControlPlane& plane);

// All calls and answers on the plane's thread.
class HttpPool {
 public:
  HttpPool(PoolDriver driver, PoolOptions options);
  ~HttpPool(); // on the plane's thread, or when it has stopped; closes all, calls no completion
  HttpPool(const HttpPool&) = delete;
  HttpPool& operator=(const HttpPool&) = delete;

  // `done` is called once, later.
  void send(PoolCall call, HttpCompletion done);

  [[nodiscard]] std::size_t busy() const; // connections in use, including long polls
  [[nodiscard]] std::size_t idle() const;
  [[nodiscard]] std::size_t waiting() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

} // namespace foyer::client

// One HTTP/1.1 request and its answer, each on a connection of its own: for
// tools, and for rarely used connections to other servers.
#pragma once

#include <expected>
#include <string>

#include "base/completion.h"
#include "base/http.h"
#include "client/link.h"
#include "exec/control.h"
#include "wire/url.h"

namespace foyer::client {

struct HttpCall {
  std::string method = "GET";
  wire::Url url;   // http, https (ws and wss stand for them)
  Headers headers; // Host, Content-Length and Connection are added
  std::string body;
  Millis timeout{10'000}; // from the start to the end of the answer
  TlsOptions tls;
};

using HttpResult = std::expected<Response, NetError>;
using HttpCompletion = Completion<Response, NetError>;

// `done` is called once, on the plane's thread; not at all if the plane stops first.
void http_request(exec::ControlPlane& plane, HttpCall call, HttpCompletion done);
// Blocks the caller, not the plane; must not be called on a plane's thread.
[[nodiscard]] HttpResult http_request(HttpCall call);

[[nodiscard]] bool is_secure(const wire::Url& url); // https, wss
// "/path?query" as written in a request line.
[[nodiscard]] std::string request_target(const wire::Url& url);

} // namespace foyer::client

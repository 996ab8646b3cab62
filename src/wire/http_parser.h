// HTTP/1.1 requests, incremental and without I/O (RFC 9112). Strict: what a
// lenient parser would repair is refused here, because two parsers that repair
// differently are how requests are smuggled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/http.h"
#include "base/refusal.h"

namespace foyer::wire {

struct HttpLimits {
  std::size_t request_line = 8 * 1024;
  std::size_t header_bytes = 32 * 1024; // all header lines together
  std::size_t header_count = 100;
  std::size_t body_bytes = 64 * 1024;
};

class HttpParser {
 public:
  enum class State : std::uint8_t {
    head,     // reading the request line or headers
    body,     // head is complete, body is not
    complete, // one whole request; feed() consumes nothing until reset()
    failed,   // refusal() says why; the connection cannot be used any further
  };

  explicit HttpParser(const HttpLimits& limits); // limits must outlive the parser

  // Consumes at most one request; returns how many bytes were taken. What follows
  // a complete request (pipelining, or the first frames after an upgrade) is left.
  std::size_t feed(std::string_view bytes);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool started() const; // at least one byte of a request was seen
  [[nodiscard]] Request& request();   // valid when complete
  [[nodiscard]] bool keep_alive() const;
  // True once when the client waits for "100 Continue" and the head was accepted.
  [[nodiscard]] bool wants_continue();
  [[nodiscard]] const Refusal& refusal() const;
  void reset(); // for the next request on the same connection

 private:
  State state_ = State::head;
  // … owned by wire
};

// Status line, headers (Content-Length and Date are added), body.
// `head_only` for answers to HEAD.
[[nodiscard]] std::string write_response(const Response& response, bool keep_alive, std::string_view date, bool head_only = false);
[[nodiscard]] std::string_view reason_phrase(int status);

} // namespace foyer::wire
